/** So many rows fit any database's limit of values in a statement. */
const mostAtOnce = 200;

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Writes that come while one is on its way go together in the next, for each costs a flush of the
 * disk. A write alone goes at once. `write` gives one result for each item, in their order; when it
 * rejects, none of them is written.
 */
export class Writes<Item extends { key: string }, Result> {
  readonly #write: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #waiting: Waiting<Item, Result>[] = [];
  #isWriting = false;

  constructor(write: (items: readonly Item[]) => Promise<readonly Result[]>) {
    this.#write = write;
  }

  /** Resolves when it is on disk. */
  put(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // What is asked for in the same moment goes together.
    await undefined;
    while (this.#waiting.length > 0) await this.#writeNext(this.#take());
    this.#isWriting = false;
  }

  /** In their order; one key twice goes in two writes. */
  #take(): Waiting<Item, Result>[] {
    const keys = new Set<string>();
    let count = 0;
    for (const { item } of this.#waiting) {
      if (count === mostAtOnce || keys.has(item.key)) break;
      keys.add(item.key);
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeNext(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#write(batch.map(({ item }) => item));
      for (const [at, { resolve }] of batch.entries()) resolve(results[at] as Result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
