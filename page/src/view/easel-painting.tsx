import { progressWords, titleOf } from "../model/words.ts";
import type { Task } from "../records.ts";
import { usePage } from "./context.ts";
import { Thumb } from "./media.tsx";
import { Preview } from "./preview.tsx";
import { useNow } from "./use-now.ts";

/** Waiting, loading, painting, saving: the picture as far as it is. */
export function EaselPainting({ task, ratio }: { task: Task; ratio: number }) {
  const page = usePage();
  const now = useNow();
  const progress = page.gallery.progressOf(task.id).value;
  const words = progressWords(task, progress, now);
  const done = task.images.length;
  const share = Math.round((progress?.fraction ?? 0) * 100);
  const number = Math.min(done + 1, task.count);
  return (
    <section class="stage" aria-label="On the easel" style={{ "--ar": ratio }}>
      <div class="board">
        {task.state === "running" && <Preview taskId={task.id} label="Preview, not finished" />}
      </div>
      <div class="say">
        <p class="over">{task.count > 1 ? `Picture ${number} of ${task.count}` : "One picture"}</p>
        <h2 class="title">{titleOf(task)}</h2>
        <div class="steps">
          {words.what} {words.time && <span>{words.time}</span>}
        </div>
        <div
          class="bar"
          role="progressbar"
          aria-label="Painting"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={share}
          aria-valuetext={words.what}
        >
          <i style={{ width: `${share}%` }} />
        </div>
        {task.count > 1 && <Plates task={task} />}
        <div class="btns">
          <button type="button" class="btn" onClick={() => void page.cancel(task)}>
            Cancel
          </button>
        </div>
      </div>
    </section>
  );
}

function Plates({ task }: { task: Task }) {
  const done = task.images.length;
  return (
    <div class="plates">
      {Array.from({ length: Math.min(task.count, 8) }, (_, i) => {
        const picture = task.images[i];
        const on = i === done && task.state === "running";
        return (
          <div class={`plate${on ? " on" : ""}`} key={picture?.id ?? i}>
            {picture && <Thumb picture={picture} alt={`Picture ${i + 1}`} width={80} />}
            {on && <Preview taskId={task.id} />}
            {!picture && !on && <small>{i + 1}</small>}
          </div>
        );
      })}
    </div>
  );
}
