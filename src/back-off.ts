import { setTimeout as delay } from "node:timers/promises";

/** From where to where the waiting between two attempts grows, in milliseconds. */
export interface BackOff {
  first: number;
  last: number;
}

/** The waits between attempts, without an end: each twice the one before, up to `last`. */
export function* backOff({ first, last }: BackOff): Generator<number, never> {
  for (let waitMs = first; ; waitMs = Math.min(waitMs * 2, last)) yield waitMs;
}

const longestTimerMs = 2 ** 31 - 1;

/** Waits `ms`, or until `signal` is aborted; which of them, the caller asks the signal. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(Math.min(ms, longestTimerMs), undefined, signal ? { signal } : {}).catch(() => {});
}
