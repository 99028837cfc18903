import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { TaskStore } from "./store/store.ts";
import type { Task } from "./task.ts";

const everyMs = 60 * 60_000;
const atOnce = 200;
const dayMs = 24 * 60 * 60_000;

export interface RetentionRules {
  /** Ended tasks older than this go. */
  keepDays: number | undefined;
  /** The oldest ended tasks go while the pictures take more than this many gigabytes. */
  keepGb: number | undefined;
}

/** Removes old tasks by rule, at the start and every hour; off without rules. */
export class Retention {
  readonly #rules: RetentionRules;
  readonly #store: TaskStore;
  readonly #log: Log;
  readonly #remove: (task: Task) => Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;
  #isClosed = false;

  constructor(
    rules: RetentionRules,
    store: TaskStore,
    log: Log,
    remove: (task: Task) => Promise<unknown>,
  ) {
    this.#rules = rules;
    this.#store = store;
    this.#log = log;
    this.#remove = remove;
  }

  async start(): Promise<void> {
    if (this.#rules.keepDays === undefined && this.#rules.keepGb === undefined) return;
    if (this.#isClosed) return;
    this.#timer = setInterval(() => this.apply(), everyMs);
    this.#timer.unref();
    await this.apply();
  }

  /** Resolves when the removal that is under way is whole; the next one does the rest. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#work;
  }

  apply(): Promise<void> {
    this.#work ??= this.#apply()
      .catch((error) => this.#log.warn(`retention stopped: ${messageOf(error)}`))
      .finally(() => {
        this.#work = undefined;
      });
    return this.#work;
  }

  async #apply(): Promise<void> {
    const { keepDays, keepGb } = this.#rules;
    if (keepDays !== undefined) {
      const before = new Date(Date.now() - keepDays * dayMs).toISOString();
      await this.#removeOldest(`older than ${keepDays} days`, (task) => task.createdAt < before);
    }
    if (keepGb === undefined || this.#isClosed) return;
    let excess = (await this.#store.totalBytes()) - keepGb * 1024 ** 3;
    await this.#removeOldest(`beyond ${keepGb} GB`, (task) => {
      if (excess <= 0) return false;
      excess -= task.resultBytes ?? 0;
      return true;
    });
  }

  async #removeOldest(why: string, wanted: (task: Task) => boolean): Promise<void> {
    let removed = 0;
    for (let again = true; again; ) {
      const oldest = await this.#store.oldestEnded(atOnce);
      const staying = oldest.findIndex((task) => !wanted(task));
      const going = staying < 0 ? oldest : oldest.slice(0, staying);
      for (const task of going) {
        if (this.#isClosed) break;
        await this.#remove(task);
        removed += 1;
      }
      again = going.length === atOnce && !this.#isClosed;
    }
    if (removed > 0) this.#log.info(`retention: removed ${removed} tasks ${why}`);
  }
}
