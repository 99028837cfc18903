import { setImmediate } from "node:timers/promises";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../errors.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { Deps } from "./deps.ts";
import { guideOf } from "./guide.ts";
import { ProgressReporter } from "./progress.ts";
import { renderEnded, renderUnfinished } from "./render.ts";
import type { Call } from "./tool.ts";

/**
 * Waits for a task within a budget, reporting progress, and answers with its result or with how
 * to go on. `onCancel`: whether a cancelled call cancels the task, or only stops waiting.
 */
export async function follow(
  deps: Deps,
  taskId: string,
  seconds: number,
  call: Call,
  onCancel: "cancel" | "detach",
): Promise<CallToolResult> {
  const reporter = new ProgressReporter(deps.tasks, taskId, call);
  try {
    const task = await deps.tasks.wait(taskId, seconds * 1000, call.signal);
    if (isTerminal(task.state)) {
      if (task.state === "completed") reporter.finish("Done");
      return await renderEnded(task, deps, call.view, guideOf(deps.catalog, task, call.guided));
    }
    if (onCancel === "cancel" && (await wantsCancel(call))) {
      deps.log.info(`task ${taskId}: cancelled by the client`);
      await deps.tasks.cancel(taskId).catch((error) => deps.log.warn(messageOf(error)));
    }
    const elsewhere = deps.tasks.elsewhere(task);
    const guide = guideOf(deps.catalog, task, call.guided);
    return renderUnfinished(task, deps.tasks.progress(taskId), elsewhere, call.view, guide);
  } finally {
    reporter.stop();
  }
}

/**
 * A client's time-out reaches us as a cancellation too, with its reason in words; it and a lost
 * connection detach. Only what is left is a wish to cancel.
 */
async function wantsCancel(call: Call): Promise<boolean> {
  if (!call.signal.aborted) return false;
  if (/timed? ?out/i.test(String(call.signal.reason))) return false;
  // A closing transport aborts its calls first and is seen as closed only afterwards.
  await setImmediate();
  return call.isConnected();
}
