import { AppError } from "../errors.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { Caller } from "./caller.ts";

/** Holds callers to the tasks they may have at once and the pictures they may keep. */
export class Quota {
  readonly #tasks: Tasks;
  /** Calls by caller that are no record yet. */
  readonly #preparing = new Map<string, number>();

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
  }

  /** Makes a task; `admit` is for it to call first, and throws `too_many` where there is no room. */
  async within<T>(caller: Caller, make: (admit: () => Promise<void>) => Promise<T>): Promise<T> {
    const { name } = caller;
    this.#count(name, 1);
    try {
      return await make(async () => {
        await this.#checkTasks(caller);
        await this.#checkBytes(caller);
      });
    } finally {
      this.#count(name, -1);
    }
  }

  async #checkTasks({ name, limits }: Caller): Promise<void> {
    const most = limits?.tasksAtOnce;
    if (most === undefined) return;
    const unfinished = await this.#tasks.count({ caller: name, states: ["queued", "running"] });
    if (unfinished + (this.#preparing.get(name) ?? 0) <= most) return;
    throw new AppError(
      "too_many",
      `The key ${name} may have ${most} tasks queued or running at once, and it has them. Wait for one to end, or cancel one.`,
    );
  }

  async #checkBytes({ name, limits }: Caller): Promise<void> {
    const most = limits?.keptGb;
    if (most === undefined) return;
    if ((await this.#tasks.keptBytes(name)) < most * 1024 ** 3) return;
    throw new AppError(
      "too_many",
      `The pictures of the key ${name} take the ${most} GB that it may keep. Delete some tasks first.`,
    );
  }

  #count(name: string, by: number): void {
    const now = (this.#preparing.get(name) ?? 0) + by;
    if (now > 0) this.#preparing.set(name, now);
    else this.#preparing.delete(name);
  }
}
