import { AppError } from "../errors.ts";
import type { CancelReport } from "../tasks/cancelling.ts";
import type { DeleteReport } from "../tasks/deletion.ts";
import type { EventsOptions, ToldEvent } from "../tasks/events.ts";
import type { TaskProgress } from "../tasks/progress.ts";
import { isTerminal } from "../tasks/state.ts";
import type { TaskFilter, TaskPage } from "../tasks/store/store.ts";
import type { Asker, SubmitOptions } from "../tasks/submission.ts";
import type { Task } from "../tasks/task.ts";
import type { TaskRequest } from "../workflows/request.ts";
import type { Style } from "../workflows/styles.ts";
import type { Template } from "../workflows/templates.ts";
import { OwnAssets } from "./assets.ts";
import type { BackendState } from "./backend-states.ts";
import type { Caller, Scope } from "./caller.ts";
import type { Installed, InstalledOptions } from "./installed.ts";
import { NumberedTasks } from "./numbered.ts";
import type { Pace } from "./pace.ts";
import type { StudioParts } from "./parts.ts";
import { OwnPictures } from "./pictures.ts";
import { Prompts } from "./prompts.ts";
import { Settings } from "./settings.ts";
import type { WorkflowState, WorkflowStates } from "./workflow-states.ts";

/** All a face sees: what one caller may see and do. */
export class Studio {
  readonly caller: Caller;
  readonly #parts: StudioParts;

  constructor(parts: StudioParts, caller: Caller) {
    this.#parts = parts;
    this.caller = caller;
  }

  /** The same caller, whose relative paths start in this folder. */
  startingIn(base: string): Studio {
    const { folders } = this.caller;
    return new Studio(this.#parts, { ...this.caller, folders: { ...folders, base } });
  }

  /** What whoever reads records must know: that they are in memory only, or that some are gone. */
  get notice(): string | undefined {
    return this.#parts.tasks.notice;
  }

  /** How long pictures take. */
  get pace(): Pace {
    return this.#parts.pace;
  }

  /** Whether the caller may do this at all; what it may not do throws `forbidden`. */
  may(scope: Scope): boolean {
    return this.caller.scopes.has(scope);
  }

  /** Checks the call and stores it as a task; the work goes on after the answer. */
  async submit(tool: string, request: TaskRequest, options: SubmitOptions = {}): Promise<Task> {
    return (await this.take(tool, request, options)).task;
  }

  /** As `submit`; `isNew` is false for a call that had been made before under the same key. */
  async take(
    tool: string,
    request: TaskRequest,
    options: SubmitOptions = {},
  ): Promise<{ task: Task; isNew: boolean }> {
    this.demand("generate");
    const { tasks, quota } = this.#parts;
    const asker = this.#asker(options);
    return quota.within(this.caller, (admit) =>
      tasks.submit(tool, request, asker, { ...options, admit }),
    );
  }

  /** The pictures of a task once more, with the same seeds; notes say where they may differ. */
  async again(id: string, options: SubmitOptions = {}): Promise<Task> {
    this.demand("generate");
    const { tasks, quota } = this.#parts;
    const asker = this.#asker(options);
    return quota.within(this.caller, async (admit) => {
      await admit();
      return tasks.again(id, asker, options, this.only);
    });
  }

  #asker({ client = this.caller.client, via = this.caller.via }: SubmitOptions): Asker {
    const { name, folders, scopes } = this.caller;
    const [graphs, isOverAll] = [scopes.has("graphs"), scopes.has("admin")];
    return {
      caller: name,
      client,
      via,
      folders,
      graphs,
      isOverAll,
      sources: this.pictures.sources,
    };
  }

  async get(id: string): Promise<Task> {
    this.demand("read");
    const task = await this.#parts.tasks.get(id, this.only);
    await this.#parts.tasks.learnProgress(task);
    return task;
  }

  /** Undefined for a task that has ended. */
  progress(id: string): TaskProgress | undefined {
    return this.#parts.tasks.progress(id);
  }

  /** Why nothing is known here of how far an unfinished task is. */
  elsewhere(task: Task): string | undefined {
    return this.#parts.tasks.elsewhere(task);
  }

  /** What happens to one task, from where it is to its end. Throws `not_found` at the first step. */
  async *events(id: string, options: EventsOptions = {}): AsyncGenerator<ToldEvent> {
    this.demand("read");
    yield* this.#parts.tasks.events(id, this.only, options);
  }

  /** What happens to all tasks of this caller until `signal`; see `Tasks.allEvents`. */
  async *allEvents(
    options: EventsOptions & { after?: number | undefined },
  ): AsyncGenerator<ToldEvent> {
    this.demand("read");
    yield* this.#parts.tasks.allEvents(this.only, options);
  }

  /**
   * The task when it has ended, when `timeoutMs` are over, or on `signal`; any number of callers
   * may wait, and none of them ends the task.
   */
  async wait(id: string, timeoutMs: number, signal?: AbortSignal): Promise<Task> {
    const over = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
    const options = {
      signal: signal ? AbortSignal.any([signal, over]) : over,
      progress: false,
      endsOnly: true,
    };
    let last: Task | undefined;
    for await (const event of this.events(id, options)) {
      if (event.kind === "state") last = event.task;
    }
    return last && isTerminal(last.state) ? last : this.get(id);
  }

  async list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage> {
    this.demand("read");
    return this.#parts.tasks.list(this.#own(filter), limit, cursor);
  }

  async count(filter: TaskFilter): Promise<number> {
    this.demand("read");
    return this.#parts.tasks.count(this.#own(filter));
  }

  /** Who may make a task may stop it. */
  async cancel(id: string): Promise<CancelReport> {
    this.demand("generate");
    return this.#parts.tasks.cancel(id, this.only);
  }

  /** Stops the picture of a task that is being made and lets its others go on; false where none is. */
  async skip(id: string): Promise<boolean> {
    this.demand("generate");
    return this.#parts.tasks.skip(id, this.only);
  }

  async delete(filter: TaskFilter, dryRun: boolean): Promise<DeleteReport> {
    this.demand("delete");
    return this.#parts.tasks.delete(this.#own(filter), dryRun);
  }

  backends(ask: "all" | "known"): Promise<BackendState[]> {
    return this.#parts.backends(ask);
  }

  /** See `Tasks.drain`. */
  async drain(backend: string, isDrained: boolean): Promise<BackendState> {
    this.demand("admin");
    await this.#parts.tasks.drain(backend, isDrained);
    const found = (await this.backends("all")).find(({ name }) => name === backend);
    if (!found) throw new Error(`${backend} is in use and has no state`);
    return found;
  }

  /** What the pictures that this caller sees take on disk. */
  async keptBytes(): Promise<number> {
    this.demand("read");
    return this.#parts.tasks.keptBytes(this.only);
  }

  /** Every record that this server writes, whoever's; until what is returned is called. */
  onWrote(listener: (task: Task) => void): () => void {
    this.demand("admin");
    return this.#parts.tasks.onWrote(listener);
  }

  /** The same caller through a face, with the name of its program where that is known. */
  through(via: string, client = this.caller.client): Studio {
    return new Studio(this.#parts, { ...this.caller, via, client });
  }

  /** Values of `styles`. */
  styles(): Style[] {
    return this.#parts.styles();
  }

  workflows(): Promise<WorkflowStates> {
    return this.#parts.workflows();
  }

  installed(options?: InstalledOptions): Promise<Installed> {
    return this.#parts.installed(options);
  }

  async search(query: string): Promise<Template[]> {
    this.demand("read");
    return this.#parts.search(query);
  }

  async template(name: string): Promise<WorkflowState> {
    this.demand("read");
    return this.#parts.template(name);
  }

  /** What it made and what it sent, as pictures. */
  get pictures(): OwnPictures {
    return new OwnPictures(this, this.#parts);
  }

  /** Its own graphs and files, by the names it knows them by. */
  get prompts(): Prompts {
    return new Prompts(this, this.#parts, (options) => this.#asker(options));
  }

  /** Its own uploads that other graphs name by their ids. */
  get assets(): OwnAssets {
    return new OwnAssets(this, this.#parts.tasks.assets);
  }

  /** Days that an ended task is kept; undefined: until it is deleted. */
  get keepDays(): number | undefined {
    return this.#parts.tasks.keepDays;
  }

  /** Its own tasks, by the numbers it knows them by. */
  get numbered(): NumberedTasks {
    return new NumberedTasks(this, this.#parts.tasks);
  }

  /** What it has set for its calls to come. */
  get settings(): Settings {
    return new Settings(this, this.#parts.tasks);
  }

  /** The same caller, who sees nothing of others. */
  alone(): Studio {
    const scopes = new Set([...this.caller.scopes].filter((scope) => scope !== "admin"));
    return new Studio(this.#parts, { ...this.caller, scopes });
  }

  /** Whose records it sees; undefined: everyone's. */
  get only(): string | undefined {
    return this.may("admin") ? undefined : this.caller.name;
  }

  /** Throws `forbidden` for a caller that may not do this. */
  demand(scope: Scope): void {
    if (this.may(scope)) return;
    const { name, scopes } = this.caller;
    throw new AppError(
      "forbidden",
      `The key ${name} may ${[...scopes].join(", ") || "do nothing"}, but this takes the scope ${scope}. Ask whoever runs this server for a key with it.`,
    );
  }

  #own(filter: TaskFilter): TaskFilter {
    const only = this.only;
    return only === undefined ? filter : { ...filter, caller: only };
  }
}
