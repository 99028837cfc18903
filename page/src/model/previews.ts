import { type Signal, signal } from "@preact/signals";
import type { Client } from "../client.ts";

interface Preview {
  bitmap: Signal<ImageBitmap | undefined>;
  watchers: number;
  /** The newest frame that was announced. */
  newest: number;
  shown: number;
  fetching: boolean;
  ended: boolean;
}

/** Pictures in the making: fetched only while somebody looks, one at a time, the newest only. */
export class Previews {
  readonly #client: Client;
  readonly #byTask = new Map<string, Preview>();
  readonly #leastPause: () => number;

  /** `leastPause`: milliseconds between two frames; more for those who want little motion. */
  constructor(client: Client, leastPause: () => number) {
    this.#client = client;
    this.#leastPause = leastPause;
  }

  bitmap(taskId: string): Signal<ImageBitmap | undefined> {
    return this.#of(taskId).bitmap;
  }

  /** Counts the one who looks; the answer ends it. */
  watch(taskId: string): () => void {
    const preview = this.#of(taskId);
    preview.watchers += 1;
    void this.#fetch(taskId, preview);
    return () => {
      preview.watchers -= 1;
      if (preview.ended) this.#drop(taskId, preview);
    };
  }

  announce(taskId: string, frame: number): void {
    const preview = this.#of(taskId);
    preview.newest = Math.max(preview.newest, frame);
    void this.#fetch(taskId, preview);
  }

  /** The task has ended: its last frame goes when nobody looks at it any more. */
  end(taskId: string): void {
    const preview = this.#byTask.get(taskId);
    if (!preview) return;
    preview.ended = true;
    this.#drop(taskId, preview);
  }

  /** Who looks next comes a moment after who looked last: the picture fades in over the frame. */
  #drop(taskId: string, preview: Preview): void {
    setTimeout(() => {
      if (preview.watchers > 0 || this.#byTask.get(taskId) !== preview) return;
      preview.bitmap.peek()?.close();
      this.#byTask.delete(taskId);
    }, 1_000);
  }

  #of(taskId: string): Preview {
    const known = this.#byTask.get(taskId);
    if (known) return known;
    const fresh: Preview = {
      bitmap: signal<ImageBitmap | undefined>(undefined),
      watchers: 0,
      newest: -1,
      shown: -1,
      fetching: false,
      ended: false,
    };
    this.#byTask.set(taskId, fresh);
    return fresh;
  }

  async #fetch(taskId: string, preview: Preview): Promise<void> {
    if (preview.fetching) return;
    preview.fetching = true;
    try {
      while (preview.watchers > 0 && preview.newest > preview.shown) {
        const frame = preview.newest;
        const blob = await this.#client.preview(taskId, frame);
        preview.shown = frame;
        if (blob) {
          const before = preview.bitmap.value;
          preview.bitmap.value = await createImageBitmap(blob);
          before?.close();
        }
        const pause = this.#leastPause();
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      }
    } catch {
      // A preview that cannot be had is no fault: the next one is announced soon.
    } finally {
      preview.fetching = false;
    }
  }
}
