import type { Cancelled } from "../comfy/cancels.ts";
import type { Pool } from "../comfy/pool.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { LiveTask } from "./live-task.ts";
import { isTerminal, type TaskState } from "./state.ts";
import { openRuns, type Run, type Task } from "./task.ts";

/** What became of one run when its task was cancelled. */
export type RunEnd =
  | Exclude<Cancelled, "unknown">
  | "not_started"
  /** Signalled, but its node has not let go yet. */
  | "still_stopping"
  /** ComfyUI is away and will be told. */
  | "when_back"
  /** The server that works on it has been asked, and has done it. */
  | "stopped"
  /** That server has been asked, and will do it; if it has died, the next one will. */
  | "asked"
  | "already_failed"
  | "already_cancelled";

export interface CancelReport {
  task: Task;
  /** How many runs met which end. */
  runs: Partial<Record<RunEnd, number>>;
}

/** What a run that had ended before is called. */
const ended: Record<TaskState, RunEnd> = {
  queued: "not_started",
  running: "still_stopping",
  completed: "already_finished",
  failed: "already_failed",
  cancelled: "already_cancelled",
};

/** The ends of the runs that had ended before. */
export function endsBefore(task: Task): RunEnd[] {
  return task.runs.filter((run) => isTerminal(run.state)).map(({ state }) => ended[state]);
}

/** Stops a task that is at work here, and tells ComfyUI; one end for each run that was open. */
export async function stopHere(live: LiveTask, pool: Pool, log: Log): Promise<RunEnd[]> {
  const open = openRuns(live.record);
  live.cancel();
  // Waiting runs first: ComfyUI would start the next one as soon as the running one stops.
  const waiting = open.filter((run) => run.state === "queued").toReversed();
  const running = open.filter((run) => run.state === "running");
  const stop = (run: Run) => stopRun(run, pool, log);
  return [...(await Promise.all(waiting.map(stop))), ...(await Promise.all(running.map(stop)))];
}

/** Stops the run that is being made and lets the others go on; false where none is. */
export async function skipHere(live: LiveTask, pool: Pool, log: Log): Promise<boolean> {
  const index = live.record.runs.findIndex(({ state }) => state === "running");
  const run = live.record.runs[index];
  if (!run) return false;
  live.skip(index);
  await stopRun(run, pool, log);
  return true;
}

async function stopRun({ at, promptId }: Run, pool: Pool, log: Log): Promise<RunEnd> {
  const backend = at && pool.of(at.backend);
  if (!backend) return "not_started";
  try {
    const what = await backend.cancel(promptId);
    return what === "unknown" ? "not_started" : what;
  } catch (error) {
    log.warn(`a cancel has to wait: ${messageOf(error)}`);
    return "when_back";
  }
}

/** What another server has made of a wish by now; one end for each run that was open. */
export function endsElsewhere(before: Task, after: Task): RunEnd[] {
  return openRuns(before).map(({ promptId }) => {
    const now = after.runs.find((run) => run.promptId === promptId)?.state;
    if (now === "cancelled") return "stopped";
    return now !== undefined && isTerminal(now) ? ended[now] : "asked";
  });
}

/** Counted by what is seen afterwards: who was told to stop and goes on is still stopping. */
export function reportOf(task: Task, ends: readonly RunEnd[]): CancelReport {
  const stopping = openRuns(task).length;
  const isAsked = ends.includes("when_back") || ends.includes("asked");
  const runs: CancelReport["runs"] = {};
  for (const end of ends) {
    if (end !== "interrupted" || stopping === 0) runs[end] = (runs[end] ?? 0) + 1;
  }
  if (stopping > 0 && !isAsked) runs.still_stopping = stopping;
  return { task, runs };
}
