import { useEffect, useState } from "preact/hooks";
import { kindOf, resultsOf } from "../model/media.ts";
import { addressOf } from "../model/route.ts";
import { seconds, titleOf } from "../model/words.ts";
import type { PictureRecord, Task } from "../records.ts";
import { usePage } from "./context.ts";
import { download } from "./download.ts";
import { Icon } from "./icons.tsx";
import { Player, Thumb } from "./media.tsx";
import { usePicture } from "./picture.tsx";
import { Preview } from "./preview.tsx";

/** The finished set: it fades in over its last preview, and what to do next is one press away. */
export function EaselDone({ task, ratio }: { task: Task; ratio: number }) {
  const page = usePage();
  const [at, setAt] = useState(0);
  const picture = task.images[at] ?? task.images[0];
  if (!picture) return null;
  const run = (work: Promise<void>) => void work.catch((error) => page.fail(error));
  const count = task.images.length;
  const isPicture = kindOf(picture) === "picture";
  return (
    <section class="stage" aria-label="On the easel" style={{ "--ar": ratio }}>
      {isPicture ? (
        <a
          class="board"
          href={addressOf({ at: "picture", id: picture.id })}
          aria-label={`Open picture ${at + 1} of ${count}`}
          style={{
            backgroundColor: picture.color && !picture.has_alpha ? `#${picture.color}` : undefined,
          }}
        >
          <Result task={task} picture={picture} />
        </a>
      ) : (
        <div class="board">
          <Player picture={picture} title={titleOf(task)} />
        </div>
      )}
      <div class="say">
        <p class="over">{doneWords(task)}</p>
        <h2 class="title">{titleOf(task)}</h2>
        {count > 1 && (
          <div class="plates">
            {task.images.map((one, i) => (
              <button
                type="button"
                key={one.id}
                class={`plate${i === at ? " on" : ""}`}
                aria-label={`Picture ${i + 1} of ${count}`}
                aria-pressed={i === at}
                onClick={() => setAt(i)}
              >
                <Thumb picture={one} alt="" width={80} />
              </button>
            ))}
          </div>
        )}
        <div class="btns">
          <button type="button" class="btn" onClick={() => run(page.again(task))}>
            <Icon name="again" />
            Make again
          </button>
          {isPicture && (
            <>
              <button type="button" class="btn" onClick={() => run(page.vary(task, picture))}>
                <Icon name="vary" />
                Vary
              </button>
              <a class="btn" href={addressOf({ at: "mask", id: picture.id })}>
                <Icon name="brush" />
                Repaint a part
              </a>
            </>
          )}
          <button type="button" class="btn" onClick={() => run(download(page.client, picture))}>
            <Icon name="down" />
            Download
          </button>
          <button type="button" class="btn bare" onClick={() => page.easel.dismiss()}>
            To the wall
          </button>
        </div>
        {(task.warnings ?? []).map((warning) => (
          <p class="note" key={warning}>
            {warning}
          </p>
        ))}
      </div>
    </section>
  );
}

/** The last preview stays until the picture has decoded: no gap, no jump. */
function Result({ task, picture }: { task: Task; picture: PictureRecord }) {
  const { previews } = usePage();
  const src = usePicture(picture.id);
  const [shown, setShown] = useState<string>();
  useEffect(() => {
    if (src === undefined) return;
    const image = new Image();
    image.src = src;
    image.decode().then(
      () => setShown(src),
      () => setShown(src),
    );
  }, [src]);
  const ready = shown !== undefined;
  // Nothing shows through a cut-out.
  const underneath = !(ready && picture.has_alpha);
  return (
    <>
      {underneath && previews.bitmap(task.id).peek() && <Preview taskId={task.id} />}
      <img
        class={`result ${ready ? "shown" : "coming"}`}
        src={shown}
        alt={titleOf(task)}
        draggable={false}
      />
    </>
  );
}

function doneWords(task: Task): string {
  const count = task.images.length;
  if (task.state === "cancelled") return `Cancelled. ${count} of ${task.count} kept.`;
  const from = Date.parse(task.started_at ?? task.created_at);
  const took = Date.parse(task.finished_at ?? "") - from;
  return took > 500 ? `${resultsOf(task)}, ${seconds(took / 1000)}` : resultsOf(task);
}
