import { AppError } from "../errors.ts";

/** A value as it may appear in a message: one line, at most `length` characters. */
export function cut(value: string, length = 120): string {
  const line = value.slice(0, 4 * length).replace(/\s+/g, " ");
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

export function megabytes(bytes: number): string {
  return `${Number((bytes / 1_000_000).toFixed(1))} MB`;
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
