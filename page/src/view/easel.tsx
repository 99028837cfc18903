import type { Commission } from "../model/easel.ts";
import { ratioOfTask } from "../model/hanging.ts";
import { hasEnded, type Task } from "../records.ts";
import { usePage } from "./context.ts";
import { EaselDone } from "./easel-done.tsx";
import { EaselFailed } from "./easel-failed.tsx";
import { EaselPainting } from "./easel-painting.tsx";

/** The newest task of this page, large, from the press of the button on. */
export function EaselStage() {
  const page = usePage();
  const state = page.easel.state.value;
  if (state.at === "empty") return null;
  if (state.at === "asking") return <Asking commission={state.commission} />;
  if (state.at === "refused") {
    const { commission, error } = state;
    return (
      <EaselFailed
        title={commission.title}
        ratio={commission.ratio}
        over="It was not taken, nothing was lost"
        error={error}
        request={commission.request}
      />
    );
  }
  const task = page.gallery.task(state.id);
  return task ? <OfTask task={task} ratio={state.ratio} /> : null;
}

function OfTask({ task, ratio }: { task: Task; ratio: number }) {
  const shape = task.images.length > 0 || (task.width && task.height) ? ratioOfTask(task) : ratio;
  if (task.state === "completed") return <EaselDone task={task} ratio={shape} />;
  if (hasEnded(task)) return <Ended task={task} ratio={shape} />;
  return <EaselPainting task={task} ratio={shape} />;
}

function Ended({ task, ratio }: { task: Task; ratio: number }) {
  const kept = task.images.length;
  if (task.state === "cancelled" && kept > 0) return <EaselDone task={task} ratio={ratio} />;
  const cancelled = {
    code: "cancelled",
    message: "Cancelled. The prompt and every setting are kept.",
  };
  return (
    <EaselFailed
      title={task.prompt ?? task.tool.replaceAll("_", " ")}
      ratio={ratio}
      over={task.state === "failed" ? failedOver(task) : "Cancelled"}
      error={
        task.state === "failed" ? (task.error ?? { code: "", message: "It failed." }) : cancelled
      }
      request={{ tool: task.tool, arguments: task.arguments }}
      taskId={task.id}
    />
  );
}

function failedOver(task: Task): string {
  const from = Date.parse(task.started_at ?? task.created_at);
  const after = Math.round((Date.parse(task.finished_at ?? task.created_at) - from) / 1000);
  const kept = task.images.length;
  const what = kept > 0 ? `${kept} of ${task.count} kept` : "nothing was lost";
  return after > 0 ? `Failed after ${after} s, ${what}` : `Failed, ${what}`;
}

/** A blank canvas of the right shape, before the server has answered. */
function Asking({ commission }: { commission: Commission }) {
  const { title, ratio, count } = commission;
  return (
    <section class="stage" aria-label="On the easel" style={{ "--ar": ratio }}>
      <div class="board" />
      <div class="say">
        <p class="over">{count > 1 ? `Picture 1 of ${count}` : "One picture"}</p>
        <h2 class="title">{title}</h2>
        <div class="steps">Asking</div>
        <div class="bar" aria-hidden="true" />
      </div>
    </section>
  );
}
