import { ProcessDied } from "./interrupts.ts";
import type { Parts } from "./parts.ts";
import { Run } from "./run.ts";

/** The single thread that runs prompts one after another. */
export class Worker {
  readonly #parts: Parts;
  readonly #death: AbortSignal;
  #wake: () => void = () => {};
  #broken = false;

  constructor(parts: Parts, death: AbortSignal) {
    this.#parts = parts;
    this.#death = death;
    death.addEventListener("abort", () => this.wake(), { once: true });
  }

  wake(): void {
    this.#wake();
  }

  async work(): Promise<void> {
    while (!this.#death.aborted && !this.#broken) {
      const awake = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const ran = await this.#runNext();
      this.#forget();
      if (!ran) await awake;
    }
  }

  async #runNext(): Promise<boolean> {
    const { queue, faults, interrupts } = this.#parts;
    if (faults.neverStart) return false;
    const queued = queue.take();
    if (!queued) return false;
    if (!isSearchable(queued.item[3])) {
      this.#broken = true;
      return false;
    }
    try {
      const run = new Run(this.#parts, queued);
      const result = await run.execute();
      if (faults.lateHistory > 0) await interrupts.pause(faults.lateHistory);
      queue.done(result);
      run.events.own("executing", { node: null });
    } catch (cause) {
      if (!(cause instanceof ProcessDied)) throw cause;
    }
    return true;
  }

  #forget(): void {
    if (!this.#parts.forget) return;
    this.#parts.forget = false;
    this.#parts.cache.clear();
  }
}

/**
 * Before 0.3.68 nobody looked at `extra_data` before the worker asked it for `client_id`. Null or a
 * number ends the thread: that prompt stays running, the others stay pending, HTTP goes on.
 */
function isSearchable(extraData: unknown): boolean {
  return typeof extraData === "string" || (typeof extraData === "object" && extraData !== null);
}
