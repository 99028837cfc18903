import { pause } from "../back-off.ts";
import { joined } from "../comfy/installs.ts";
import type { Pool } from "../comfy/pool.ts";
import type { ObjectInfo, SystemStats } from "../comfy/protocol.ts";

/** Clients of ComfyUI give up after 5 s; those of the prompt after 1 s. */
const withinMs = 2_500;

/** What the ComfyUIs say of themselves; of one that is away, what it said last. */
export class ComfyFacts {
  readonly #pool: Pool;
  readonly #last = new Map<string, unknown>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Every class of every ComfyUI, with all choices. Rejects when none was ever read. */
  async nodes(): Promise<ObjectInfo> {
    return joined(await this.#pool.installsWithin(withinMs));
  }

  async modelFolders(): Promise<string[]> {
    const each = await this.#told("models", () =>
      this.#pool.each((client) => client.modelFolders()),
    );
    return [...new Set(each.flat())];
  }

  /** Sorted; undefined where no ComfyUI has such a folder. */
  async modelFiles(folder: string): Promise<string[] | undefined> {
    const ask = () => this.#pool.each((client) => client.modelFiles(folder));
    const known = (await this.#told(`models ${folder}`, ask)).filter((files) => files);
    return known.length === 0
      ? undefined
      : [...new Set(known.flatMap((files) => files ?? []))].sort();
  }

  async embeddings(): Promise<string[]> {
    const each = await this.#told("embeddings", () =>
      this.#pool.each((client) => client.embeddings()),
    );
    return [...new Set(each.flat())];
  }

  /** The header of a safetensors file; undefined where there is none. */
  fileMetadata(folder: string, file: string): Promise<Record<string, unknown> | undefined> {
    return this.#pool.fileMetadata(folder, file, AbortSignal.timeout(withinMs));
  }

  /** One a ComfyUI that answers, or did once. */
  systemStats(): Promise<SystemStats[]> {
    return this.#told("stats", () => this.#pool.each((client) => client.systemStats(withinMs)));
  }

  /** Lets go of the memory of every ComfyUI that nobody's prompt keeps busy. */
  async free(): Promise<void> {
    await this.#pool.each((client) => client.freeIfIdle());
  }

  async #told<T>(key: string, ask: () => Promise<T[]>): Promise<T[]> {
    const over = new AbortController();
    try {
      const answered = await Promise.race([ask(), pause(withinMs, over.signal)]);
      if (answered) this.#last.set(key, answered);
    } catch (error) {
      if (!this.#last.has(key)) throw error;
    } finally {
      over.abort();
    }
    // Whatever is kept under a key is what its question was answered.
    return (this.#last.get(key) as T[] | undefined) ?? [];
  }
}
