import type { ComfyClient } from "./client.ts";
import type { ObjectInfo } from "./protocol.ts";

/** Re-reading megabytes of node definitions on every call would cost more than most calls. */
const standardMaxAgeMs = 5 * 60_000;

/** What ComfyUI's `/object_info` said, read when it is too old, and by one reader at a time. */
export class NodeCatalogue {
  readonly #client: ComfyClient;
  readonly #wasRead: () => void;
  #known: { value: ObjectInfo; readAt: number } | undefined;
  #reading: Promise<ObjectInfo> | undefined;
  /** What was read last, even if it was forgotten since. */
  last: ObjectInfo | undefined;

  /** `wasRead` is told of every answer: the moment to ask for what else may have changed there. */
  constructor(client: ComfyClient, wasRead: () => void = () => {}) {
    this.#client = client;
    this.#wasRead = wasRead;
  }

  async read(maxAgeMs = standardMaxAgeMs): Promise<ObjectInfo> {
    if (this.#known && Date.now() - this.#known.readAt < maxAgeMs) return this.#known.value;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<ObjectInfo> {
    const value = await this.#client.objectInfo();
    this.#known = { value, readAt: Date.now() };
    this.last = value;
    this.#wasRead();
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
