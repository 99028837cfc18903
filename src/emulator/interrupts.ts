export class InterruptedRun extends Error {}

/** The end of the process in the middle of a run: nothing more may be said or written. */
export class ProcessDied extends Error {}

/** The process-wide interrupt flag, and the waiting that notices it or the process's death. */
export class Interrupts {
  #raised = false;
  #waiters: (() => void)[] = [];
  readonly #death: AbortSignal;
  readonly #died: Promise<void>;

  constructor(death: AbortSignal) {
    this.#death = death;
    this.#died = new Promise((resolve) => {
      death.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  raise(): void {
    this.#raised = true;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  clear(): void {
    this.#raised = false;
  }

  check(): void {
    if (this.#death.aborted) throw new ProcessDied();
    if (this.#raised) {
      this.#raised = false;
      throw new InterruptedRun();
    }
  }

  /** Waits for `until` or an interrupt, whichever is first. */
  async wait(until: Promise<void>): Promise<void> {
    const raised = new Promise<void>((resolve) => {
      if (this.#raised) resolve();
      this.#waiters.push(resolve);
    });
    await Promise.race([until, raised, this.#died]);
    this.check();
  }

  /** Lets time pass; an interrupt does not shorten it, as with a node that has no progress bar. */
  async pause(ms: number): Promise<void> {
    const signal = this.#death;
    await new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      const stop = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal.addEventListener("abort", stop, { once: true });
    });
    if (signal.aborted) throw new ProcessDied();
  }
}
