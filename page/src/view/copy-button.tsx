import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";

/** Copies a text, and says so. `of`: what it belongs to, for those who hear a list of buttons. */
export function CopyButton({ text, words, of }: { text: string; words: string; of: string }) {
  const page = usePage();
  return (
    <button
      type="button"
      class="btn small"
      aria-label={`${words}: ${of}`}
      onClick={() => {
        navigator.clipboard.writeText(text).then(
          () => page.say("Copied."),
          (error: unknown) => page.fail(error),
        );
      }}
    >
      <Icon name="copy" />
      {words}
    </button>
  );
}
