import { setTimeout as delay } from "node:timers/promises";

const longestTimerMs = 2 ** 31 - 1;
const backOffMs = { first: 250, last: 10_000 };

/** Waits for a server to answer again: one probe at a time, however many wait. */
export class Availability {
  readonly #probe: () => Promise<unknown>;
  readonly #signal: AbortSignal;
  #back: Promise<void> | undefined;

  /** `probe` rejects while the server is away; `signal` ends every waiting. */
  constructor(probe: () => Promise<unknown>, signal: AbortSignal) {
    this.#probe = probe;
    this.#signal = signal;
  }

  /**
   * Resolves when the server is back, after `limitMs`, or when `signal` is aborted; rejects when
   * everything closes.
   */
  async whenBack(limitMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#back ??= this.#wait().finally(() => {
      this.#back = undefined;
    });
    const enough = new AbortController();
    const stop = () => enough.abort();
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    const limit = delay(Math.min(limitMs, longestTimerMs), undefined, { signal: enough.signal });
    try {
      await Promise.race([this.#back, limit.catch(() => {})]);
    } finally {
      stop();
      signal?.removeEventListener("abort", stop);
    }
  }

  async #wait(): Promise<void> {
    for (let waitMs = backOffMs.first; ; waitMs = Math.min(waitMs * 2, backOffMs.last)) {
      await delay(waitMs, undefined, { signal: this.#signal });
      try {
        await this.#probe();
        return;
      } catch {
        // Still away; whoever waits shows why.
      }
    }
  }
}
