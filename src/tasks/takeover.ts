import type { Pool } from "../comfy/pool.ts";
import { messageOf } from "../errors.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import type { Catalog } from "../workflows/catalog.ts";
import type { Recipe } from "../workflows/recipe.ts";
import type { Announcer } from "./announcer.ts";
import { recipeBefore } from "./before.ts";
import { stopHere } from "./cancelling.ts";
import { erase } from "./deletion.ts";
import type { Elsewhere } from "./elsewhere.ts";
import type { TaskEvents } from "./events.ts";
import type { LiveTasks } from "./live-tasks.ts";
import type { TaskStore, Wish } from "./store/store.ts";
import { openRuns, type Task } from "./task.ts";

export interface TakeoverParts {
  store: TaskStore;
  images: ImageStore;
  catalog: Catalog;
  pool: Pool;
  log: Log;
  announcer: Announcer;
  live: LiveTasks;
  events: TaskEvents;
  elsewhere: Elsewhere;
  serverId(): string;
}

/** What this server owes the others of its store: their tasks when they die, and their wishes. */
export class Takeover {
  readonly #parts: TakeoverParts;

  constructor(parts: TakeoverParts) {
    this.#parts = parts;
  }

  /** A run that was placed must be looked for where it is; the rest needs one of its ComfyUIs. */
  wants(task: Task): boolean {
    const { live, pool } = this.#parts;
    if (live.get(task.id)?.isLost === false) return false;
    const placed = openRuns(task).flatMap(({ at }) => (at ? [at.backend] : []));
    return placed.length > 0
      ? placed.every((url) => pool.of(url))
      : task.backends.some((url) => pool.of(url));
  }

  /** Goes on with tasks that are this server's now; nobody waits for it. */
  take(tasks: readonly Task[]): void {
    for (const task of tasks) this.#resume(task).catch((error) => this.#complain(error));
  }

  /** Carries out what is wanted of this server's tasks by now. */
  async lookForWishes(): Promise<void> {
    this.#carryOut(await this.#parts.store.wishes(this.#parts.serverId()));
  }

  /** With every beat: what is wanted of this server's tasks, and who looks at them. */
  beat(wishes: readonly Wish[]): void {
    this.#carryOut(wishes);
    this.#parts.elsewhere.show().catch((error) => this.#complain(error));
  }

  #carryOut(wishes: readonly Wish[]): void {
    const { live, pool, log } = this.#parts;
    for (const { task, wish } of wishes) {
      const found = live.get(task);
      const isDone = wish === "delete" ? found?.isLost : found?.signal.aborted;
      if (!found || isDone) continue;
      log.info(`task ${task}: a ${wish} that was asked for elsewhere`);
      if (wish === "delete") found.conceal();
      stopHere(found, pool, log).catch((error) => this.#complain(error));
    }
  }

  async #resume(task: Task): Promise<void> {
    const recipe = task.before
      ? await this.#renewed(task)
      : await this.#parts.store.recipe(task.recipe);
    if (!recipe) return this.#endWithoutRecipe(task);
    this.#parts.live.begin(task, recipe, true);
    await this.lookForWishes();
  }

  /** The recipe of a task of 0.1.0; the task is changed, and begun as one of today. */
  async #renewed(task: Task): Promise<Recipe | undefined> {
    const { store, catalog, log } = this.#parts;
    try {
      const found = recipeBefore(task, catalog);
      Object.assign(task, found?.changes);
      delete task.before;
      if (found) await store.keepRecipe(task.recipe, found.recipe);
      return found?.recipe;
    } catch (error) {
      log.error(`task ${task.id} of an earlier version: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Else it would be claimed at every beat, and stay unfinished for ever. */
  async #endWithoutRecipe(task: Task): Promise<void> {
    const { store, images, events, announcer, log } = this.#parts;
    if (task.deletedAt !== undefined) return erase(store, images, task);
    const message = "Its recipe is not on record, so it cannot be gone on with. Ask for it again.";
    const error = { code: "lost" as const, message };
    for (const run of openRuns(task)) Object.assign(run, { state: "failed", error });
    const ended: Task = { ...task, state: "failed", finishedAt: new Date().toISOString(), error };
    log.error(`task ${task.id}: ${message}`);
    await announcer.keep(ended);
    if (!(await store.update(ended))) return;
    events.wrote(ended);
    announcer.written(ended);
  }

  #complain(error: unknown): void {
    this.#parts.log.warn(messageOf(error));
  }
}
