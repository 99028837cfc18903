import { AppError } from "../../errors.ts";
import type { Task } from "../../tasks/task.ts";

/** Why a task has no picture. */
export function failureOf({ id, state, error }: Task): AppError {
  const said = error?.message ?? `Task ${id} ended without a picture: ${state}.`;
  return new AppError(error?.code ?? (state === "cancelled" ? "cancelled" : "lost"), said);
}

/** What is told of an ended task that has some of its pictures. */
export function missing({ runs, error }: Task): string[] {
  const lacking = runs.filter(({ images }) => images.length === 0).length;
  if (lacking === 0) return [];
  return [`${lacking} of ${runs.length} pictures are missing: ${error?.message ?? "cancelled"}`];
}
