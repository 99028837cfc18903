import { usePage } from "./context.ts";
import { copyText } from "./copy-text.ts";
import { Icon } from "./icons.tsx";

interface Props {
  text: string;
  words: string;
  /** What it belongs to, for those who hear a list of buttons. */
  of: string;
  bare?: boolean;
}

/** Copies a text, and says so. */
export function CopyButton({ text, words, of, bare }: Props) {
  const page = usePage();
  return (
    <button
      type="button"
      class={`btn small${bare ? " bare" : ""}`}
      aria-label={`${words}: ${of}`}
      onClick={() => {
        copyText(text).then(
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
