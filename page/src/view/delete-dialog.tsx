import { useEffect, useState } from "preact/hooks";
import { bytesWords, pictures } from "../model/words.ts";
import type { Deletion } from "../records.ts";
import { usePage } from "./context.ts";
import { Modal } from "./modal.tsx";

/** Several sets at once: the server counts first. */
export function DeleteDialog() {
  const page = usePage();
  const [count, setCount] = useState<Deletion>();
  const ids = [...page.selected.value];
  const close = () => {
    page.deleteOpen.value = false;
  };
  useEffect(() => {
    page.client.remove(ids, true).then(setCount, (error: unknown) => {
      close();
      page.fail(error);
    });
  }, []);
  return (
    <Modal title={`Delete ${ids.length} sets?`} class="middle" close={close}>
      <p class="lead">
        {count
          ? `${pictures(count.images)}, ${bytesWords(count.bytes)}. They are gone for good.`
          : "Counting what would go."}
      </p>
      <div class="btns">
        <button
          type="button"
          class="btn red"
          onClick={() => {
            close();
            page.delete(page.gallery.tasks.value.filter(({ id }) => ids.includes(id)));
            page.selected.value = new Set();
          }}
        >
          Delete them
        </button>
        <button type="button" class="btn" onClick={close}>
          Keep them
        </button>
      </div>
    </Modal>
  );
}
