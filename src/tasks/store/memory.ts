import { copyJson } from "../../json.ts";
import { MemoryOutbox } from "../../webhooks/outbox.ts";
import type { Recipe } from "../../workflows/recipe.ts";
import { keptInputs, type Task, taskIdOf } from "../task.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { MemoryDrains } from "./drains.ts";
import { MemoryNames } from "./names.ts";
import type { Changes, Glimpse, Server, TaskFilter, TaskPage, TaskStore, Wish } from "./store.ts";

/** Records in this process's memory, for when the database cannot be used. */
export class MemoryTaskStore implements TaskStore {
  readonly notice: string;
  readonly outbox = new MemoryOutbox();
  readonly names = new MemoryNames();
  readonly drains = new MemoryDrains();
  /** By id, oldest first. */
  readonly #tasks = new Map<string, Task>();
  readonly #recipes = new Map<string, Recipe>();
  /** Inputs of calls whose task is not there yet, by its id. */
  readonly #held = new Map<string, readonly string[]>();
  readonly #uploads: { caller: string; sha256: string; at: number }[] = [];

  constructor(reason: string) {
    this.notice = `Tasks are kept in memory only and are forgotten when this server ends. ${reason}`;
  }

  async insert(task: Task, recipe: Recipe): Promise<Task | undefined> {
    const key = task.idempotency?.key;
    const known = key === undefined ? undefined : await this.withKey(task.caller, key);
    if (known) return known;
    await this.keepRecipe(task.recipe, recipe);
    this.#tasks.set(task.id, copyJson(task));
    this.#held.delete(task.id);
    return undefined;
  }

  async keepRecipe(hash: string, recipe: Recipe): Promise<void> {
    this.#recipes.set(hash, recipe);
  }

  async recipe(hash: string): Promise<Recipe | undefined> {
    return this.#recipes.get(hash);
  }

  async update(task: Task): Promise<boolean> {
    if (!this.#tasks.has(task.id)) return false;
    this.#tasks.set(task.id, copyJson(task));
    return true;
  }

  async get(id: string): Promise<Task | undefined> {
    return copyJson(this.#tasks.get(id));
  }

  async withKey(caller: string, key: string): Promise<Task | undefined> {
    const found = this.#filtered({ caller }).find((task) => task.idempotency?.key === key);
    return copyJson(found);
  }

  async list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage> {
    const after = cursor === undefined ? undefined : readCursor(cursor);
    const found = this.#filtered(filter)
      .toSorted((a, b) => order([b.createdAt, b.id], [a.createdAt, a.id]))
      .filter((task) => !after || order([task.createdAt, task.id], after) < 0);
    const tasks = copyJson(found.slice(0, limit));
    const last = tasks.at(-1);
    return found.length > limit && last ? { tasks, cursor: writeCursor(last) } : { tasks };
  }

  async count(filter: TaskFilter): Promise<number> {
    return this.#filtered(filter).length;
  }

  async conceal(id: string): Promise<Task | undefined> {
    const task = this.#tasks.get(id);
    this.#tasks.delete(id);
    const isShared = [...this.#tasks.values()].some((other) => other.recipe === task?.recipe);
    if (task && !isShared) this.#recipes.delete(task.recipe);
    await this.names.dropOf(id);
    return task;
  }

  async erase(): Promise<void> {
    // Concealing has removed it; there is no crash to be safe from.
  }

  async concealed(): Promise<Task[]> {
    return [];
  }

  async otherUsers(sha256: string, taskId: string): Promise<number> {
    const uploads = this.#uploads.filter((upload) => upload.sha256 === sha256);
    const tasks = [...this.#tasks.values()].filter(
      (task) => task.id !== taskId && holds(task, sha256),
    );
    const held = [...this.#held].filter(([id, inputs]) => id !== taskId && inputs.includes(sha256));
    return uploads.length + tasks.length + held.length;
  }

  async useInputs(taskId: string, sha256s: readonly string[]): Promise<void> {
    this.#held.set(taskId, [...sha256s]);
  }

  async dropInputs(taskId: string): Promise<void> {
    this.#held.delete(taskId);
  }

  async abandonedInputs(): Promise<string[]> {
    return [];
  }

  async keepUpload(caller: string, sha256: string): Promise<void> {
    this.#drop((upload) => upload.caller === caller && upload.sha256 === sha256);
    this.#uploads.push({ caller, sha256, at: Date.now() });
  }

  async hasInput(sha256: string, caller?: string): Promise<boolean> {
    const isOwn = (owner: string) => (caller ?? owner) === owner;
    return (
      this.#uploads.some((upload) => upload.sha256 === sha256 && isOwn(upload.caller)) ||
      [...this.#tasks.values()].some((task) => isOwn(task.caller) && holds(task, sha256))
    );
  }

  async expiredUploads(ageMs: number): Promise<string[]> {
    return this.#drop(({ at }) => at < Date.now() - ageMs);
  }

  async oldestEnded(limit: number): Promise<Task[]> {
    const ended = this.#filtered({ states: ["completed", "failed", "cancelled"] });
    return ended
      .toSorted((a, b) => order([a.createdAt, a.id], [b.createdAt, b.id]))
      .slice(0, limit);
  }

  async totalBytes(caller?: string): Promise<number> {
    const tasks = this.#filtered(caller === undefined ? {} : { caller });
    return tasks.reduce((sum, task) => sum + (task.resultBytes ?? 0), 0);
  }

  async beat(): Promise<void> {
    // Nobody else sees these records.
  }

  async servers(): Promise<Server[]> {
    return [];
  }

  async leave(): Promise<void> {
    // As with `beat`.
  }

  async claim(serverId: string, wants: (task: Task) => boolean): Promise<Task[]> {
    // Only this process's own, which it had to let go of.
    const left = this.#filtered({ states: ["queued", "running"] }).filter(
      (task) => task.server !== serverId && wants(task),
    );
    for (const task of left) task.server = serverId;
    return copyJson(left);
  }

  async wantCancel(): Promise<void> {
    // There is no other server, and after this one there are no records.
  }

  async wishes(): Promise<Wish[]> {
    return [];
  }

  async wantGlimpses(): Promise<void> {
    // As with `wantCancel`.
  }

  async wantedGlimpses(): Promise<string[]> {
    return [];
  }

  async showGlimpse(): Promise<void> {
    // As with `wantCancel`.
  }

  async glimpses(): Promise<Glimpse[]> {
    return [];
  }

  async changes(): Promise<Changes> {
    return { mark: 0, changed: [], erased: [], isWhole: false };
  }

  async close(): Promise<void> {
    this.#tasks.clear();
  }

  #drop(isGone: (upload: { caller: string; sha256: string; at: number }) => boolean): string[] {
    const gone = this.#uploads.filter(isGone);
    for (const upload of gone) this.#uploads.splice(this.#uploads.indexOf(upload), 1);
    return gone.map(({ sha256 }) => sha256);
  }

  #filtered(filter: TaskFilter): Task[] {
    return [...this.#tasks.values()].filter(
      (task) =>
        (filter.caller === undefined || filter.caller === task.caller) &&
        (filter.ids?.includes(task.id) ?? true) &&
        (filter.states?.includes(task.state) ?? true) &&
        (filter.tool === undefined || filter.tool === task.tool) &&
        (filter.via?.includes(task.via ?? "") ?? true) &&
        (filter.text === undefined || mentions(task, filter.text)) &&
        (filter.since === undefined || task.createdAt >= filter.since) &&
        (filter.before === undefined || task.createdAt < filter.before),
    );
  }
}

function holds(task: Task, sha256: string): boolean {
  return keptInputs(task).some((input) => input.sha256 === sha256);
}

function mentions({ id, params, runs }: Task, text: string): boolean {
  const prompt = String(params["prompt"] ?? "").toLowerCase();
  if (prompt.includes(text.toLowerCase()) || id === (taskIdOf(text) ?? text)) return true;
  return runs.some(({ seed }) => String(seed) === text);
}

type Key = readonly [createdAt: string, id: string];

function order(a: Key, b: Key): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] === b[1] ? 0 : a[1] < b[1] ? -1 : 1;
}
