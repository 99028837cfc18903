import type { Graph } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import type { Task } from "../tasks/task.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { graphOf } from "../workflows/recipe.ts";
import type { Value } from "../workflows/workflow.ts";
import type { Studio } from "./studio.ts";

/** Of the children of one task. */
const mostChildren = 500;

/** Tasks under whole numbers, for clients that know no other ids; each caller counts for itself. */
export class NumberedTasks {
  readonly #studio: Studio;
  readonly #tasks: Tasks;

  constructor(studio: Studio, tasks: Tasks) {
    this.#studio = studio;
    this.#tasks = tasks;
  }

  /** For a task to come: none is given twice. */
  next(): Promise<number> {
    this.#studio.demand("generate");
    return this.#tasks.names.next(this.#caller);
  }

  /** From now on the number stands for this task, and goes with it. */
  async give(number: number, { id }: Task, parent?: number): Promise<void> {
    const name = { caller: this.#caller, ref: id, task: id };
    await this.#tasks.names.set({ ...name, kind: "number", name: String(number) });
    if (parent === undefined) return;
    await this.#tasks.names.set({ ...name, kind: "child", name: `${parent}/${number}` });
  }

  /** Undefined for a number that stands for nothing, or not any more. */
  async find(number: number): Promise<Task | undefined> {
    this.#studio.demand("read");
    const id = await this.#tasks.names.find(this.#caller, "number", String(number));
    if (id === undefined) return undefined;
    return this.#studio.get(id).catch((error) => {
      if (error instanceof AppError && error.code === "not_found") return undefined;
      throw error;
    });
  }

  /** Those that got their numbers last. */
  async newest(limit: number): Promise<Map<number, Task>> {
    this.#studio.demand("read");
    const names = await this.#tasks.names.list(this.#caller, "number", limit);
    const ids = names.map(({ ref }) => ref);
    if (ids.length === 0) return new Map();
    const { tasks } = await this.#studio.list({ ids, caller: this.#caller }, limit);
    const byId = new Map(tasks.map((task) => [task.id, task]));
    return new Map(
      names.flatMap(({ name, ref }) => {
        const task = byId.get(ref);
        return task ? [[Number(name), task] as const] : [];
      }),
    );
  }

  /** Numbers of what was made from a task. */
  async childrenOf(number: number): Promise<number[]> {
    const start = `${number}/`;
    const found = await this.#tasks.names.list(this.#caller, "child", mostChildren, start);
    return found.map(({ name }) => Number(name.slice(start.length))).sort((a, b) => a - b);
  }

  /** They are not found by their numbers any more; their tasks and pictures stay. */
  forget(numbers: readonly number[]): Promise<void> {
    return this.#tasks.names.drop(this.#caller, "number", numbers.map(String));
  }

  /** What the first picture of a task is made by; empty where that is not on record any more. */
  async graph(task: Task): Promise<Graph> {
    const recipe = await this.#tasks.recipe(task);
    if (!recipe) return {};
    const [run] = task.runs;
    const values: Record<string, Value> = {};
    if (run?.seed !== undefined) values["seed"] = run.seed;
    if (run?.prompt !== undefined) values["prompt"] = run.prompt;
    if (run?.negativePrompt !== undefined) values["negative_prompt"] = run.negativePrompt;
    return graphOf(recipe, values, run?.at?.choices);
  }

  get #caller(): string {
    return this.#studio.caller.name;
  }
}
