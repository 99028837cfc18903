import type { GraphAnswer, GraphCall } from "../tasks/graphs.ts";
import type { Folder, NamedFile } from "../tasks/named-files.ts";
import type { Asker, SubmitOptions } from "../tasks/submission.ts";
import type { Task } from "../tasks/task.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { Recipe } from "../workflows/recipe.ts";
import type { ComfyFacts } from "./comfy-facts.ts";
import type { Quota } from "./quota.ts";
import type { Studio } from "./studio.ts";

export interface PromptsParts {
  tasks: Tasks;
  quota: Quota;
  comfy: ComfyFacts;
}

/** A task that a graph was handed in for, with what it is made from. */
export interface Prompt {
  task: Task & Required<Pick<Task, "prompt">>;
  recipe: Recipe;
}

/** Graphs of a caller's own and the files it knows by names; nobody else's, whoever it is. */
export class Prompts {
  readonly #studio: Studio;
  readonly #parts: PromptsParts;
  readonly #asker: (options: SubmitOptions) => Asker;

  constructor(studio: Studio, parts: PromptsParts, asker: (options: SubmitOptions) => Asker) {
    this.#studio = studio;
    this.#parts = parts;
    this.#asker = asker;
  }

  /** What the ComfyUIs behind say of themselves. */
  get comfy(): ComfyFacts {
    return this.#parts.comfy;
  }

  /** Gives the places in the queue, one after another. */
  counter(): Promise<() => number> {
    return this.#parts.tasks.graphs.counter(this.#caller);
  }

  /** Throws `forbidden` for a caller without the scope `graphs`. */
  submit(call: GraphCall, options: SubmitOptions = {}): Promise<GraphAnswer> {
    this.#studio.demand("graphs");
    const { tasks, quota } = this.#parts;
    return quota.within(this.#studio.caller, (admit) =>
      tasks.graphs.submit(call, this.#asker(options), { ...options, admit }),
    );
  }

  /** By the id its caller knows; undefined where it has none such, or removed it. */
  async find(id: string): Promise<Prompt | undefined> {
    this.#studio.demand("read");
    const taskId = await this.#parts.tasks.names.find(this.#caller, "prompt", id);
    const task = taskId && (await this.#studio.get(taskId).catch(() => undefined));
    return task ? this.withRecipe(task) : undefined;
  }

  /** Undefined for a task that no graph was handed in for. */
  async withRecipe(task: Task): Promise<Prompt | undefined> {
    const { prompt } = task;
    const recipe = prompt && (await this.#parts.tasks.recipe(task));
    return prompt && recipe && { task: { ...task, prompt }, recipe };
  }

  /** What a task is made from, however it was asked for; undefined where that is gone. */
  recipe(task: Task): Promise<Recipe | undefined> {
    return this.#parts.tasks.recipe(task);
  }

  /** The tasks of the newest prompts that were not removed, the newest first. */
  async newest(limit: number): Promise<Task[]> {
    this.#studio.demand("read");
    const names = await this.#parts.tasks.names.list(this.#caller, "prompt", limit);
    const ids = names.map(({ ref }) => ref);
    const { tasks } = await this.#studio.list({ ids, caller: this.#caller }, limit);
    return tasks;
  }

  /** What waits or runs, the newest first. */
  async unfinished(limit: number): Promise<Task[]> {
    this.#studio.demand("read");
    const filter = {
      caller: this.#caller,
      via: graphFaces,
      states: ["queued", "running"] as const,
    };
    return (await this.#studio.list(filter, limit)).tasks;
  }

  /** They are not found by their ids any more; their tasks and pictures stay. */
  forget(ids?: readonly string[]): Promise<void> {
    this.#studio.demand("read");
    return this.#parts.tasks.names.drop(this.#caller, "prompt", ids);
  }

  file(folder: Folder, path: string): Promise<NamedFile | undefined> {
    this.#studio.demand("read");
    return this.#parts.tasks.files.find(this.#caller, folder, path);
  }

  fileBelow(folder: Folder, name: string): Promise<NamedFile | undefined> {
    this.#studio.demand("read");
    return this.#parts.tasks.files.findBelow(this.#caller, folder, name);
  }

  read(file: NamedFile): Promise<Buffer> {
    return this.#parts.tasks.files.read(file);
  }

  async put(folder: Folder, path: string, bytes: Buffer): Promise<void> {
    this.#studio.demand("generate");
    await this.#parts.tasks.files.put(this.#caller, folder, path, bytes);
  }

  /** Those whose path begins so, the newest first. */
  files(folder: Folder, limit: number, start = ""): Promise<string[]> {
    this.#studio.demand("read");
    return this.#parts.tasks.files.list(this.#caller, folder, limit, start);
  }

  get #caller(): string {
    return this.#studio.caller.name;
  }
}

/** ComfyUI's own face. */
export const via = "comfyui";

/** The faces that graphs come through. */
const graphFaces = [via, "comfyv2"];
