import { pictures, progressWords, titleOf, whoAsked } from "../model/words.ts";
import type { BackendRecord, Task } from "../records.ts";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Modal } from "./modal.tsx";
import { Preview } from "./preview.tsx";
import { useNow } from "./use-now.ts";

/** What paints where, what waits, and what did not work. */
export function Queue() {
  const page = usePage();
  const unfinished = page.gallery.unfinished.value;
  const running = unfinished.filter(({ state }) => state === "running");
  const waiting = unfinished.filter(({ state }) => state === "queued").reverse();
  const mine = waiting.filter(({ via }) => via === "page");
  const failed = page.gallery.tasks.value.filter(({ state }) => state === "failed").slice(0, 10);
  const backends = page.catalogue.backends.value;
  const homeless = running.filter((task) => !backends.some(({ name }) => name === task.backend));
  const nothing = unfinished.length === 0 && failed.length === 0;
  const beside = [
    running.length > 0 ? `${running.length} painting` : "",
    waiting.length > 0 ? `${waiting.length} waiting` : "",
  ];
  return (
    <Modal
      title="Queue"
      beside={beside.filter(Boolean).join(", ")}
      class="side"
      close={() => page.go({ at: "wall" })}
    >
      {backends.map((backend) => (
        <Lane
          key={backend.name}
          backend={backend}
          tasks={running.filter((task) => task.backend === backend.name)}
        />
      ))}
      {homeless.map((task) => (
        <Job key={task.id} task={task} />
      ))}
      {waiting.length > 0 && (
        <>
          <div class="qh">
            <h3>Waiting</h3>
            {mine.length > 1 && (
              <button
                type="button"
                class="btn"
                onClick={() => {
                  for (const task of mine) void page.cancel(task);
                }}
              >
                Cancel my {mine.length} waiting
              </button>
            )}
          </div>
          <ol class="wl">
            {waiting.map((task, i) => (
              <Waiting key={task.id} task={task} n={i + 1} />
            ))}
          </ol>
        </>
      )}
      {nothing && <p class="nothing">Nothing waits.</p>}
      {failed.length > 0 && <Ended tasks={failed} />}
    </Modal>
  );
}

function Lane({ backend, tasks }: { backend: BackendRecord; tasks: readonly Task[] }) {
  const state = tasks.length > 0 && backend.state !== "away" ? "painting" : backend.state;
  const dot = { ready: "", painting: "wet", draining: "wait", away: "off" }[state];
  const words = { ready: "Ready", painting: "Painting", draining: "Takes no more", away: "Away" }[
    state
  ];
  const memory =
    backend.vram_total && backend.vram_free !== null && backend.vram_free !== undefined
      ? `${gigabytes(backend.vram_total - backend.vram_free)} of ${gigabytes(backend.vram_total)} GB`
      : "";
  const sub = [
    words,
    backend.gpu?.replace("NVIDIA ", ""),
    backend.version && `ComfyUI ${backend.version}`,
    backend.loaded && `${backend.loaded} loaded`,
    stepWords(backend),
  ];
  return (
    <section class="gpu" aria-label={backend.name}>
      <h3 class="hd">
        <i class={`dot ${dot}`} />
        {backend.name}
        <span>{memory}</span>
      </h3>
      <p class="sub">{backend.problem ?? sub.filter(Boolean).join(", ")}</p>
      {tasks.map((task) => (
        <Job key={task.id} task={task} />
      ))}
    </section>
  );
}

/** Of the quickest workflow: that of others depends on what they are. */
function stepWords({ step_ms: steps = {} }: BackendRecord): string {
  const least = Math.min(...Object.values(steps));
  return Number.isFinite(least) ? `${Math.round(least)} ms a step` : "";
}

function gigabytes(bytes: number): string {
  const count = bytes / 2 ** 30;
  return Number.isInteger(Math.round(count * 10) / 10)
    ? String(Math.round(count))
    : count.toFixed(1);
}

function Job({ task }: { task: Task }) {
  const page = usePage();
  const now = useNow();
  const progress = page.gallery.progressOf(task.id).value;
  const share = Math.round((progress?.fraction ?? 0) * 100);
  const { what } = progressWords(task, progress, now);
  const who = task.via === "page" ? undefined : whoAsked(task);
  const facts = [
    what,
    task.count > 1
      ? `picture ${Math.min(task.images.length + 1, task.count)} of ${task.count}`
      : "",
    who ? `for ${who}` : "",
  ];
  return (
    <div class="job">
      <div class="th">
        <Preview taskId={task.id} />
      </div>
      <div>
        <p class="t">{titleOf(task)}</p>
        <p class="m">{facts.filter(Boolean).join(", ")}</p>
        <div
          class="bar"
          role="progressbar"
          aria-label={`Progress of ${titleOf(task)}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={share}
        >
          <i style={{ width: `${share}%` }} />
        </div>
      </div>
      <Cancel task={task} />
    </div>
  );
}

function Waiting({ task, n }: { task: Task; n: number }) {
  const { gallery } = usePage();
  const { time } = progressWords(task, gallery.progressOf(task.id).value, Date.now());
  const facts = [whoAsked(task), task.count > 1 ? pictures(task.count) : "", time && `in ${time}`];
  return (
    <li>
      <span class="n">{n}</span>
      <div>
        <p class="t">{titleOf(task)}</p>
        <p class="m">{facts.filter(Boolean).join(", ")}</p>
      </div>
      <Cancel task={task} />
    </li>
  );
}

function Cancel({ task }: { task: Task }) {
  const page = usePage();
  return (
    <button
      type="button"
      class="kill"
      aria-label={`Cancel: ${titleOf(task)}`}
      onClick={() => void page.cancel(task)}
    >
      <Icon name="x" />
    </button>
  );
}

function Ended({ tasks }: { tasks: readonly Task[] }) {
  const page = usePage();
  return (
    <>
      <div class="qh">
        <h3>Ended</h3>
      </div>
      <ol class="wl ended">
        {tasks.map((task) => (
          <li key={task.id}>
            <span class="n bad">
              <Icon name="warn" />
            </span>
            <div>
              <p class="t">{titleOf(task)}</p>
              <p class="m bad">{task.error?.message}</p>
            </div>
            <button
              type="button"
              class="btn"
              aria-label={`See why: ${titleOf(task)}`}
              onClick={() => {
                page.easel.show(task, (task.width ?? 1) / (task.height ?? 1));
                page.go({ at: "wall" });
              }}
            >
              See why
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}
