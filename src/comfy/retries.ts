import { backOff, pause } from "../back-off.ts";
import { Availability } from "./availability.ts";
import { ComfyUnreachableError } from "./errors.ts";
import type { RunStatus } from "./outcome.ts";
import { givenUp, type Patience } from "./patience.ts";
import { letGo, refuseAborted, unlessAborted } from "./signals.ts";

/** Does work again while ComfyUI cannot be asked. */
export class Retries {
  readonly #patience: Patience;
  readonly #availability: Availability;
  readonly #closing: AbortSignal;

  /** `probe` rejects while ComfyUI is away. */
  constructor(probe: () => Promise<unknown>, patience: Patience, closing: AbortSignal) {
    this.#patience = patience;
    this.#closing = closing;
    this.#availability = new Availability(probe, patience.retryMs, closing);
  }

  /** See `Backend.persist`. */
  async persist<T>(
    work: () => Promise<T>,
    onStatus: (status: RunStatus) => void,
    signal?: AbortSignal,
  ): Promise<T> {
    const since = new Date();
    const { retryMs, lostAfterMs } = this.#patience;
    for (const waits = backOff(retryMs); ; ) {
      refuseAborted(signal);
      if (this.#closing.aborted) throw letGo();
      const waitedMs = Date.now() - since.getTime();
      try {
        return await (signal ? unlessAborted(work(), signal) : work());
      } catch (error) {
        if (!(error instanceof ComfyUnreachableError)) throw error;
        if (waitedMs >= lostAfterMs) throw givenUp(since, error);
        onStatus({ phase: "waiting", since, reason: error.message });
      }
      await this.#availability.whenBack(lostAfterMs - waitedMs, signal);
      // Where ComfyUI answers and this work fails all the same, it is done the more seldom.
      const waitMs = waits.next().value;
      if (waitMs > retryMs.first) await pause(waitMs, signal);
    }
  }
}
