import { ExecutionFailedError, PromptRejectedError } from "../comfy/errors.ts";
import type { Outcome } from "../comfy/outcome.ts";
import { AppError, messageOf } from "../errors.ts";
import type { TaskError } from "./task.ts";

/** Throws for every outcome after which the run is not simply posted again. */
export function refuse(outcome: Exclude<Outcome, { kind: "completed" }>): void {
  switch (outcome.kind) {
    case "failed":
      throw outcome.error;
    case "interrupted":
      throw new AppError("cancelled", "ComfyUI stopped the run.");
    case "gone":
      if (!outcome.removed) return;
      throw new AppError("cancelled", "Somebody removed the run from ComfyUI's queue.");
  }
}

/** What a run failed with, as its record says it. */
export function wording(error: unknown): TaskError {
  if (error instanceof PromptRejectedError && error.missingChoice) {
    return {
      code: error.code,
      reason: "missing_choice",
      message: `${error.message} If it names a model file, that file is not on the ComfyUI machine (any more).`,
      nodeErrors: error.nodeErrors,
    };
  }
  if (error instanceof PromptRejectedError) {
    return { code: error.code, message: error.message, nodeErrors: error.nodeErrors };
  }
  if (error instanceof ExecutionFailedError) {
    const { code, message, detail, isOutOfMemory } = error;
    return {
      code,
      message,
      ...(detail === undefined ? {} : { detail }),
      ...(isOutOfMemory ? { reason: "out_of_memory" as const } : {}),
    };
  }
  if (error instanceof AppError) return { code: error.code, message: error.message };
  return {
    code: "execution_failed",
    message: `Something unexpected happened: ${messageOf(error)}`,
  };
}

/** For the log, where a defect of ours is looked for. */
export function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
