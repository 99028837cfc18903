/** What a caller or operator can do about an error; every face has one row per code. */
export type ErrorCode =
  | "invalid_input" // caller: change the arguments
  | "idempotency_conflict" // caller: the key was used for another call; take a new one
  | "not_found" // caller: no such task, image or workflow
  | "forbidden" // caller: its key may not do this
  | "too_many" // caller: a limit of its key is reached; later, or after a deletion
  | "not_ready" // operator: the backend lacks a model or node pack
  | "workflow_invalid" // operator: a shipped or added workflow does not load
  | "comfy_unreachable" // operator: start ComfyUI or fix its URL; a retry is sane
  | "comfy_rejected" // operator or caller: ComfyUI refused the graph
  | "execution_failed" // the graph ran and a node raised
  | "lost" // the run is unknown to ComfyUI and could not be made again
  | "cancelled"
  | "storage"; // operator: the task database or the image folder cannot be used

/**
 * Something that can happen and that its reader can act on. The message names the thing, the
 * value and the way out. A plain `Error` means a defect of ours.
 */
export class AppError extends Error {
  override name = "AppError";
  readonly code: ErrorCode;
  /** Where the caller named one thing and several could be meant. */
  readonly choices: Choices | undefined;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { choices?: Choices }) {
    super(message, options);
    this.code = code;
    this.choices = options?.choices;
  }
}

/** What a parameter could have meant, so that a person may choose. */
export interface Choices {
  parameter: string;
  /** What was given, as it stands in the parameter. */
  given: string;
  values: readonly string[];
}

/** The message of anything thrown, for logs and for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A caller gave something this cannot work with; `message` names it and the way out. */
export function refusal(message: string, cause?: unknown): AppError {
  return new AppError("invalid_input", message, cause === undefined ? {} : { cause });
}

export function cancelled(message: string, cause?: unknown): AppError {
  return new AppError("cancelled", message, cause === undefined ? {} : { cause });
}

/** Refuses what is not a whole number in these limits, naming the parameter. */
export function refuseUnlessWhole(
  parameter: string,
  value: number,
  minimum: number,
  maximum: number,
): void {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return;
  throw refusal(`${parameter}: ${value} is not a whole number from ${minimum} to ${maximum}.`);
}
