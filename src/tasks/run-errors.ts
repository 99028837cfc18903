import { PromptRejectedError } from "../comfy/errors.ts";
import type { Outcome } from "../comfy/outcome.ts";
import { AppError, messageOf } from "../errors.ts";

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
export function wording(error: unknown): { code: AppError["code"]; message: string } {
  if (error instanceof PromptRejectedError && error.missingChoice) {
    return {
      code: error.code,
      message: `${error.message} If it names a model file, that file is not on the ComfyUI machine (any more).`,
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
