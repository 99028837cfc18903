import { signal } from "@preact/signals";
import { type Client, Refused } from "../client.ts";
import type { StudioEvent } from "../records.ts";

export type Link = "connecting" | "live" | "lost";

const longestPause = 15_000;

/** The one stream of events, opened again whenever it ends. Closed while the page is hidden. */
export class Feed {
  readonly link = signal<Link>("connecting");
  readonly #client: Client;
  readonly #take: (event: StudioEvent) => void;
  readonly #refused: (refusal: Refused) => void;
  #stop: AbortController | undefined;
  #wake: (() => void) | undefined;

  constructor(
    client: Client,
    take: (event: StudioEvent) => void,
    refused: (refusal: Refused) => void,
  ) {
    this.#client = client;
    this.#take = take;
    this.#refused = refused;
  }

  open(): void {
    if (this.#stop) return;
    this.#stop = new AbortController();
    void this.#follow(this.#stop.signal);
  }

  close(): void {
    this.#stop?.abort();
    this.#stop = undefined;
    this.#wake?.();
  }

  /** Tries at once instead of after the pause. */
  tryNow(): void {
    this.#wake?.();
  }

  async #follow(stop: AbortSignal): Promise<void> {
    let pause = 500;
    while (!stop.aborted) {
      const opened = Date.now();
      const refusal = await this.#once(stop);
      if (stop.aborted) return;
      if (refusal) {
        this.#stop = undefined;
        this.#refused(refusal);
        return;
      }
      pause = Date.now() - opened > 10_000 ? 500 : Math.min(pause * 2, longestPause);
      await this.#sleep(pause);
    }
  }

  /** Reads until the stream ends. Answers a refusal that trying again does not mend. */
  async #once(stop: AbortSignal): Promise<Refused | undefined> {
    try {
      for await (const event of this.#client.events(stop)) {
        this.link.value = "live";
        this.#take(event);
      }
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return error;
      if (!stop.aborted) this.link.value = "lost";
    }
    return undefined;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
