import { messageOf } from "../../errors.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import type { Answer } from "./answer.ts";
import { withRecord } from "./app-record.ts";
import type { Deps } from "./deps.ts";
import { guideOf } from "./guide.ts";
import { ProgressReporter } from "./progress.ts";
import { renderEnded, renderUnfinished } from "./render.ts";
import type { Call } from "./tool.ts";

/** At most 4 notifications a second. */
const everyMs = 250;
/** Clients with an idle watchdog give up after minutes, some after 10 s. */
const heartbeatMs = 8_000;

/** Makes a task and follows it; a client that gives up while it is prepared gets it all the same. */
export async function submitAndFollow(
  deps: Deps,
  submit: (signal: AbortSignal) => Promise<Task>,
  seconds: number,
  call: Call,
): Promise<Answer> {
  const unwanted = new AbortController();
  const look = () => {
    wantsCancel(call)
      .then((isWish) => isWish && unwanted.abort())
      .catch((error) => deps.log.debug(messageOf(error)));
  };
  call.signal.addEventListener("abort", look, { once: true });
  const reporter = new ProgressReporter(call);
  const preparing = setInterval(() => reporter.alive("Preparing"), heartbeatMs);
  try {
    const task = await submit(unwanted.signal);
    call.log("info", `Task ${task.id} was made (${task.tool}, workflow ${task.workflow}).`);
    return await follow(deps, task.id, seconds, call, "cancel", reporter);
  } finally {
    clearInterval(preparing);
    call.signal.removeEventListener("abort", look);
  }
}

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
  reporter = new ProgressReporter(call),
): Promise<Answer> {
  const { studio } = deps;
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(seconds * 1000)]);
  for await (const event of studio.events(taskId, { signal, everyMs, heartbeatMs })) {
    if (event.kind === "progress") reporter.report(event.progress);
  }
  const task = await studio.get(taskId);
  const guide = guideOf(deps.catalog, task, call.guided);
  if (isTerminal(task.state)) {
    if (task.state === "completed") reporter.finish("Done");
    const answer = await renderEnded(task, studio, call.view, guide);
    return withRecord(answer, task, studio, deps.catalog, call.client.apps);
  }
  if (onCancel === "cancel" && (await wantsCancel(call))) {
    deps.log.info(`task ${taskId}: cancelled by the client`);
    await studio.cancel(taskId).catch((error) => deps.log.warn(messageOf(error)));
  }
  const elsewhere = studio.elsewhere(task);
  const answer = renderUnfinished(task, studio.progress(taskId), elsewhere, call.view, guide);
  return withRecord(answer, task, studio, deps.catalog, call.client.apps);
}

async function wantsCancel(call: Call): Promise<boolean> {
  return call.signal.aborted && (await call.ended()) === "cancelled";
}
