import type { ComfyClient } from "./client.ts";
import type { Watch } from "./following.ts";

/** One GET /queue serves every waiting run, and runs that start at once never need it. */
const settleMs = 400;
/** A queue whose worker takes nothing for this long has a dead worker (ComfyUI #16312, #11513). */
const defaultStalledAfterMs = 30_000;

/**
 * Tells waiting runs their place. It asks when ComfyUI says its queue changed, never by the clock.
 */
export class QueueWatch {
  readonly #client: ComfyClient;
  readonly #watches: ReadonlyMap<string, Watch>;
  readonly #stalledAfterMs: number;
  #timer: NodeJS.Timeout | undefined;
  #idleSince: number | undefined;

  constructor(
    client: ComfyClient,
    watches: ReadonlyMap<string, Watch>,
    stalledAfterMs = defaultStalledAfterMs,
  ) {
    this.#stalledAfterMs = stalledAfterMs;
    this.#client = client;
    this.#watches = watches;
  }

  /** The queue has changed, or a run has joined it. */
  poke(): void {
    if (this.#timer || this.#waiting().length === 0) return;
    this.#timer = setTimeout(() => {
      const done = () => {
        this.#timer = undefined;
      };
      this.#ask().then(done, done);
    }, settleMs);
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #waiting(): [string, Watch][] {
    return [...this.#watches].filter(([, watch]) => !watch.execution.started);
  }

  async #ask(): Promise<void> {
    const waiting = this.#waiting();
    if (waiting.length === 0) return;
    const queue = await this.#client.queue().catch(() => undefined);
    if (!queue) return;
    const pending = queue.queue_pending
      .toSorted((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
      .map((item) => item[1]);
    const running = queue.queue_running.length;
    const stalled = this.#stalled(running, pending.length);
    for (const [promptId, watch] of waiting) {
      const place = pending.indexOf(promptId);
      if (place < 0 || watch.execution.started) continue;
      watch.report({ phase: "queued", ahead: place + running, stalled });
    }
  }

  #stalled(running: number, pending: number): boolean {
    if (running > 0 || pending === 0) {
      this.#idleSince = undefined;
      return false;
    }
    this.#idleSince ??= Date.now();
    return Date.now() - this.#idleSince > this.#stalledAfterMs;
  }
}
