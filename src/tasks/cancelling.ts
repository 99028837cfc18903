import type { Backend } from "../comfy/backend.ts";
import type { Cancelled } from "../comfy/cancels.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { isTerminal, type TaskState } from "./state.ts";
import type { Run, Task } from "./task.ts";
import type { Workbench } from "./workbench.ts";

/** What became of one run when its task was cancelled. */
export type RunEnd =
  | Exclude<Cancelled, "unknown">
  | "not_started"
  /** Signalled, but its node has not let go yet. */
  | "still_stopping"
  /** ComfyUI is away and will be told. */
  | "when_back"
  | "already_failed"
  | "already_cancelled";

export interface CancelReport {
  task: Task;
  /** How many runs met which end. */
  runs: Partial<Record<RunEnd, number>>;
}

interface Parts {
  backend: Backend;
  log: Log;
}

/** What a run that had ended before is called. */
const ended: Record<TaskState, RunEnd> = {
  queued: "not_started",
  running: "still_stopping",
  completed: "already_finished",
  failed: "already_failed",
  cancelled: "already_cancelled",
};

/** Tells ComfyUI to stop the open runs of a task; one end for each of its runs. */
export async function stopRuns(task: Task, bench: Workbench, parts: Parts): Promise<RunEnd[]> {
  const open = task.runs.filter((run) => !isTerminal(run.state));
  const before = task.runs.filter((run) => isTerminal(run.state)).map(({ state }) => ended[state]);
  if (open.length === 0) return before;
  // What waits is taken away before what runs is stopped, or the next of it would start.
  const waiting = open.filter((run) => run.state === "queued").toReversed();
  const running = open.filter((run) => run.state === "running");
  await bench
    .wantCancel(task.id)
    .catch((error) => parts.log.warn(`task ${task.id}: ${messageOf(error)}`));
  const stop = (run: Run) => stopRun(run, parts);
  return [
    ...before,
    ...(await Promise.all(waiting.map(stop))),
    ...(await Promise.all(running.map(stop))),
  ];
}

async function stopRun(run: Run, { backend, log }: Parts): Promise<RunEnd> {
  try {
    const what = await backend.cancel(run.promptId);
    return what === "unknown" ? "not_started" : what;
  } catch (error) {
    log.warn(`a cancel has to wait: ${messageOf(error)}`);
    return "when_back";
  }
}

/** Counted by what is seen afterwards: who was told to stop and goes on is still stopping. */
export function reportOf(task: Task, ends: readonly RunEnd[]): CancelReport {
  const stopping = task.runs.filter((run) => !isTerminal(run.state)).length;
  const runs: CancelReport["runs"] = {};
  for (const end of ends) {
    if (end !== "interrupted" || stopping === 0) runs[end] = (runs[end] ?? 0) + 1;
  }
  if (stopping > 0 && !ends.includes("when_back")) runs.still_stopping = stopping;
  return { task, runs };
}
