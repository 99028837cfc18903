import type { Task } from "../../tasks/task.ts";

/** 0 while it waits, up to 99 on its way, 100 when the results are there. */
export function percentOf({ state, runs }: Task, fraction = 0): number {
  if (state === "completed") return 100;
  if (state === "queued") return 0;
  if (state === "running") return Math.min(99, Math.max(0.1, Math.round(fraction * 1_000) / 10));
  const made = runs.filter((run) => run.state === "completed").length;
  return Math.round((made / Math.max(1, runs.length)) * 990) / 10;
}

/** Empty while all is well; what was stopped elsewhere is told as an error too, as it has no result. */
export function errorOf({ state, error }: Task): string {
  if (state === "failed") return error?.message ?? "The task failed.";
  return state === "cancelled" ? "The task was cancelled." : "";
}

/** Of the work on it, until now where it goes on. */
export function secondsOf({ startedAt, finishedAt }: Task): number {
  if (startedAt === undefined) return 0;
  const end = finishedAt === undefined ? Date.now() : Date.parse(finishedAt);
  return Math.max(0, end - Date.parse(startedAt)) / 1_000;
}
