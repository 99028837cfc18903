export interface QuietOptions {
  /** How long after the last use the socket is closed (default 60 s). */
  idleAfterMs?: number | undefined;
  /** How long after our last run an idle ComfyUI is asked to give its memory back; never when left out. */
  freeAfterMs?: number | undefined;
}

interface QuietPorts {
  /** Something waits or runs. */
  isBusy(): boolean;
  free(): Promise<void>;
  /** Closes what is open. */
  rest(): void;
}

const standardIdleMs = 60_000;

/**
 * Lets go of a ComfyUI that has nothing to do: an open socket or a poll would keep one that sleeps
 * when idle (llama-swap, serverless) awake, or wake it again and again.
 */
export class Quiet {
  readonly #ports: QuietPorts;
  readonly #idleMs: number;
  readonly #freeAfterMs: number | undefined;
  #hasRun = false;
  #idle: NodeJS.Timeout | undefined;
  #free: NodeJS.Timeout | undefined;

  constructor(ports: QuietPorts, options: QuietOptions) {
    this.#ports = ports;
    this.#freeAfterMs = options.freeAfterMs;
    // The socket stays until then: its loss tells of an end or a restart, after which nothing is held.
    this.#idleMs = Math.max(options.idleAfterMs ?? standardIdleMs, this.#freeAfterMs ?? 0);
  }

  /** ComfyUI was used; the time of rest begins again. */
  used(): void {
    this.close();
    if (this.#ports.isBusy()) return;
    this.#idle = setTimeout(() => this.#ports.rest(), this.#idleMs + 1);
    this.#idle.unref();
    if (!this.#hasRun || this.#freeAfterMs === undefined) return;
    this.#free = setTimeout(() => {
      this.#hasRun = false;
      this.#ports.free().catch(() => {
        // It cannot be asked: then there is nothing that could be freed now.
      });
    }, this.#freeAfterMs);
    this.#free.unref();
  }

  /** As `used`, after a run, which leaves models in memory. */
  ran(): void {
    this.#hasRun = true;
    this.used();
  }

  close(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#free);
  }
}
