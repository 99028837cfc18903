import { useState } from "preact/hooks";
import { usePage } from "./context.ts";
import { Modal } from "./modal.tsx";

/** Asked once, when the server wants a key. */
export function KeyDialog({ give }: { give: (key: string, keep: boolean) => void }) {
  const page = usePage();
  const [key, setKey] = useState("");
  const [keep, setKeep] = useState(false);
  return (
    <Modal
      title="Key"
      class="middle"
      close={() => {
        page.keyOpen.value = false;
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          give(key.trim(), keep);
        }}
      >
        {page.keyRefused.value ? (
          <p class="lead bad" role="alert">
            The server does not know this key.
          </p>
        ) : (
          <p class="lead">This server answers to those with a key. It stays in this window.</p>
        )}
        <div class="f">
          <label for="key">Key</label>
          <div class="in">
            <input
              id="key"
              type="password"
              autoComplete="current-password"
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          </div>
        </div>
        <label class="tick-line">
          <input
            type="checkbox"
            checked={keep}
            onChange={(event) => setKeep(event.currentTarget.checked)}
          />
          Keep on this device
        </label>
        <div class="btns">
          <button type="submit" class="btn ink">
            Use this key
          </button>
        </div>
      </form>
    </Modal>
  );
}
