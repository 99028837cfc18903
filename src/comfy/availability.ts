import { setTimeout as delay } from "node:timers/promises";

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

  /** Rejects with the signal's reason when it is aborted. */
  whenBack(): Promise<void> {
    this.#back ??= this.#wait().finally(() => {
      this.#back = undefined;
    });
    return this.#back;
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
