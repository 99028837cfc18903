import type { CancelReport } from "../../../tasks/cancelling.ts";
import type { TaskProgress } from "../../../tasks/progress.ts";
import { isTerminal } from "../../../tasks/state.ts";
import { imagesOf } from "../../../tasks/task.ts";

/** What a cancel has come to, for a line below the picture. `before`: how far the task was. */
export function wordCancel({ task, runs }: CancelReport, before: TaskProgress | undefined): string {
  const kept = imagesOf(task).length;
  const count = task.runs.length;
  const rest = `${kept} of ${count} ${kept === 1 ? "is" : "are"} kept.`;
  if (runs.when_back) return `ComfyUI is away; it is stopped as soon as ComfyUI is back. ${rest}`;
  if (runs.asked) return `The server that works on it has been asked to stop it. ${rest}`;
  if (!isTerminal(task.state))
    return `ComfyUI has been told to stop; its node has not let go yet. ${rest}`;
  if (!before) return `It had ended before: ${task.state}. ${rest}`;
  const step = before.status.phase === "running" ? before.status.progress.step : undefined;
  const at = step === undefined ? "" : ` at step ${step}`;
  return task.state === "cancelled"
    ? `Cancelled${at}. ${rest}`
    : `It ended first: ${task.state}. ${rest}`;
}
