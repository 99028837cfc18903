import type { ComfyClient } from "./client.ts";
import type { ObjectInfo } from "./protocol.ts";

/** Re-reading megabytes of node definitions on every call would cost more than most calls. */
const standardMaxAgeMs = 5 * 60_000;

/** What ComfyUI's `/object_info` said, read when it is too old, and by one reader at a time. */
export class NodeCatalogue {
  readonly #client: ComfyClient;
  #known: { value: ObjectInfo; readAt: number } | undefined;
  #reading: Promise<ObjectInfo> | undefined;

  constructor(client: ComfyClient) {
    this.#client = client;
  }

  async read(maxAgeMs = standardMaxAgeMs): Promise<ObjectInfo> {
    if (this.#known && Date.now() - this.#known.readAt < maxAgeMs) return this.#known.value;
    this.#reading ??= this.#client.objectInfo().finally(() => {
      this.#reading = undefined;
    });
    const value = await this.#reading;
    this.#known = { value, readAt: Date.now() };
    return value;
  }

  /** What was read last, however long ago, unless it was forgotten since. */
  get known(): ObjectInfo | undefined {
    return this.#known?.value;
  }

  forget(): void {
    this.#known = undefined;
  }
}
