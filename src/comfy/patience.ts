import type { BackOff } from "../back-off.ts";
import { AppError } from "../errors.ts";

/** How long to wait before ComfyUI is asked again; see `backOff`. */
export interface Patience {
  /** The socket is open and silent: before HTTP is asked. */
  silentMs: BackOff;
  /** There is no socket: HTTP is all there is. */
  blindMs: BackOff;
  /** ComfyUI cannot be asked now. */
  retryMs: BackOff;
  /** A run whose ComfyUI has been away this long has failed. */
  lostAfterMs: number;
}

export const defaultPatience: Patience = {
  silentMs: { first: 5_000, last: 30_000 },
  blindMs: { first: 500, last: 10_000 },
  retryMs: { first: 250, last: 10_000 },
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
