import { type BackOff, backOff, pause } from "../back-off.ts";
import { letGo } from "./signals.ts";

/** Waits for a server to answer again: one probe at a time, however many wait, none when none does. */
export class Availability {
  readonly #probe: () => Promise<unknown>;
  readonly #every: BackOff;
  readonly #closing: AbortSignal;
  #back: Promise<void> | undefined;
  #waiting = 0;
  #nobodyWaits = new AbortController();

  /** `probe` rejects while the server is away; `closing` ends every waiting. */
  constructor(probe: () => Promise<unknown>, every: BackOff, closing: AbortSignal) {
    this.#probe = probe;
    this.#every = every;
    this.#closing = closing;
    closing.addEventListener("abort", () => this.#nobodyWaits.abort(), { once: true });
  }

  /**
   * Resolves when the server is back, after `limitMs`, or when `signal` is aborted; rejects when
   * everything closes.
   */
  async whenBack(limitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const enough = new AbortController();
    const stop = () => enough.abort();
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    this.#waiting += 1;
    try {
      await Promise.race([this.#begin(), pause(limitMs, enough.signal)]);
      if (this.#closing.aborted) throw letGo();
    } finally {
      stop();
      signal?.removeEventListener("abort", stop);
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#nobodyWaits.abort();
    }
  }

  #begin(): Promise<void> {
    if (this.#back && !this.#nobodyWaits.signal.aborted) return this.#back;
    this.#nobodyWaits = new AbortController();
    if (this.#closing.aborted) this.#nobodyWaits.abort();
    this.#back = this.#wait(this.#nobodyWaits.signal);
    return this.#back;
  }

  async #wait(nobodyWaits: AbortSignal): Promise<void> {
    for (const waitMs of backOff(this.#every)) {
      await pause(waitMs, nobodyWaits);
      if (nobodyWaits.aborted) return;
      try {
        await this.#probe();
        // The next to wait begins anew.
        if (!nobodyWaits.aborted) this.#back = undefined;
        return;
      } catch {
        // Still away; whoever waits shows why.
      }
    }
  }
}
