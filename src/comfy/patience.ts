import { AppError } from "../errors.ts";

/** How long to wait before ComfyUI is asked over HTTP; doubled after each time. */
export interface Patience {
  /** The socket is open and silent. */
  silentMs: { first: number; last: number };
  /** There is no socket: HTTP is all there is. */
  blindMs: { first: number; last: number };
  /** A run whose ComfyUI has been away this long has failed. */
  lostAfterMs: number;
}

export const defaultPatience: Patience = {
  silentMs: { first: 5_000, last: 30_000 },
  blindMs: { first: 500, last: 10_000 },
  lostAfterMs: 60 * 60_000,
};

/** The error of a run that was waited for in vain. */
export function givenUp(since: Date, cause: Error): AppError {
  return new AppError(
    "lost",
    `Given up: ComfyUI has been away since ${since.toISOString()} (--lost-after). ${cause.message}`,
    { cause },
  );
}
