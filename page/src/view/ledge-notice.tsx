import { useEffect } from "preact/hooks";
import { pictures } from "../model/words.ts";
import { usePage } from "./context.ts";
import { download } from "./download.ts";
import { useNow } from "./use-now.ts";

/** Above the ledge: what cannot wait, the most pressing alone. */
export function LedgeNotice() {
  const page = usePage();
  if (page.deletions.pending.value) return <Deleted />;
  if (page.selected.value.size > 0) return <Chosen />;
  if (page.feed.link.value === "lost") {
    return (
      <div class="notice" role="status">
        <span class="dot off" />
        <span>
          <b>This page lost the server.</b> What you typed is kept.
        </span>
        <button type="button" class="lnk" onClick={() => page.feed.tryNow()}>
          Try now
        </button>
      </div>
    );
  }
  if (page.easel.retryAfter.value !== undefined)
    return <TooMany until={page.easel.retryAfter.value} />;
  if (page.catalogue.away.value) return <Away />;
  if (page.remarks.current.value !== undefined) {
    return (
      <div class="notice plain">
        <span>{page.remarks.current.value}</span>
      </div>
    );
  }
  return null;
}

/** Counts down to when the server takes tasks again, then goes. */
function TooMany({ until }: { until: number }) {
  const { easel } = usePage();
  const left = Math.ceil((until - useNow()) / 1000);
  useEffect(() => {
    if (left <= 0) easel.retryAfter.value = undefined;
  }, [left]);
  return (
    <div class="notice" role="status">
      <span>
        <b>Too many requests.</b> Again in {Math.max(1, left)} s.
      </span>
    </div>
  );
}

function Away() {
  const page = usePage();
  const waiting = page.gallery.unfinished.value.length;
  const tasks = waiting === 1 ? "1 task waits" : `${waiting} tasks wait`;
  return (
    <div class="notice" role="status">
      <span class="dot off" />
      <span>
        <b>ComfyUI is away.</b>{" "}
        {waiting > 0 ? `${tasks} for it.` : "What you ask for waits for it."}
      </span>
      <button
        type="button"
        class="lnk"
        onClick={() => void page.catalogue.look().catch((error) => page.fail(error))}
      >
        Ask now
      </button>
    </div>
  );
}

function Deleted() {
  const { deletions } = usePage();
  const count = deletions.pending.value?.pictures ?? 0;
  return (
    <div class="notice plain" role="status">
      <span>{count > 1 ? `Deleted ${pictures(count)}.` : "Deleted."}</span>
      <button type="button" class="lnk" onClick={() => deletions.undo()}>
        Undo
      </button>
    </div>
  );
}

function Chosen() {
  const page = usePage();
  const ids = page.selected.value;
  const tasks = page.gallery.tasks.value.filter(({ id }) => ids.has(id));
  const all = tasks.flatMap(({ images }) => images);
  const clear = () => {
    page.selected.value = new Set();
  };
  return (
    <div class="notice plain" role="status">
      <span>{ids.size === 1 ? "1 chosen" : `${ids.size} chosen`}</span>
      <button
        type="button"
        class="lnk"
        onClick={() => {
          for (const picture of all) {
            void download(page.client, picture).catch((error) => page.fail(error));
          }
        }}
      >
        Download
      </button>
      {page.catalogue.mayDelete.value && (
        <button
          type="button"
          class="lnk bad"
          onClick={() => {
            if (tasks.length === 1) {
              page.delete(tasks);
              clear();
            } else page.deleteOpen.value = true;
          }}
        >
          Delete
        </button>
      )}
      <button type="button" class="lnk" onClick={clear}>
        Choose none
      </button>
    </div>
  );
}
