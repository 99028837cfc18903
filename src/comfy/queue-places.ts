import type { ComfyClient } from "./client.ts";
import type { Following } from "./following.ts";
import type { QueueResponse } from "./protocol.ts";

/** One GET /queue serves every waiting run, and runs that start at once never need it. */
const settleMs = { least: 400, most: 10_000, perAnswer: 20 };
/** A queue whose worker takes nothing for this long has a dead worker (ComfyUI #16312, #11513). */
const defaultStalledAfterMs = 30_000;

/**
 * Tells waiting runs their place. It asks when ComfyUI says its queue changed, never by the clock,
 * and the more seldom the longer an answer takes: each holds all graphs that wait.
 */
export class QueuePlaces {
  readonly #client: ComfyClient;
  readonly #followings: ReadonlyMap<string, Following>;
  readonly #stalledAfterMs: number;
  #timer: NodeJS.Timeout | undefined;
  #idleSince: number | undefined;
  #answerMs = 0;

  constructor(
    client: ComfyClient,
    followings: ReadonlyMap<string, Following>,
    stalledAfterMs = defaultStalledAfterMs,
  ) {
    this.#stalledAfterMs = stalledAfterMs;
    this.#client = client;
    this.#followings = followings;
  }

  /** The queue has changed, or a run has joined it. */
  poke(): void {
    if (this.#timer || !this.#isAnyWaiting()) return;
    const slow = Math.min(settleMs.most, this.#answerMs * settleMs.perAnswer);
    this.#timer = setTimeout(
      () => {
        const done = () => {
          this.#timer = undefined;
        };
        this.#ask().then(done, done);
      },
      Math.max(settleMs.least, slow),
    );
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #isAnyWaiting(): boolean {
    for (const { execution } of this.#followings.values()) if (!execution.started) return true;
    return false;
  }

  async #ask(): Promise<void> {
    if (!this.#isAnyWaiting()) return;
    const asked = performance.now();
    const queue = await this.#client.queue().catch(() => undefined);
    this.#answerMs = performance.now() - asked;
    if (!queue) return;
    const places = placesIn(queue);
    const running = queue.queue_running.length;
    const stalled = this.#stalled(running, places.size);
    for (const [promptId, following] of this.#followings) {
      const place = places.get(promptId);
      if (place === undefined || following.execution.started) continue;
      following.report({ phase: "queued", ahead: place + running, stalled });
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

/** How many wait before each prompt that waits. */
function placesIn({ queue_pending }: QueueResponse): Map<string, number> {
  const inOrder = queue_pending.toSorted((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
  return new Map(inOrder.map((item, place) => [item[1], place]));
}
