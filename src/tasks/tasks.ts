import { AppError } from "../errors.ts";
import type { Recipe } from "../workflows/recipe.ts";
import type { TaskRequest } from "../workflows/request.ts";
import { AmongServers } from "./among-servers.ts";
import { Announcer } from "./announcer.ts";
import { Assets } from "./assets.ts";
import { Backlog } from "./backlog.ts";
import type { CancelReport } from "./cancelling.ts";
import { catchUp } from "./catch-up.ts";
import { type DeleteReport, Deletion, sweep } from "./deletion.ts";
import { whyUnknown } from "./elsewhere.ts";
import { type EventsOptions, type LivePreview, TaskEvents, type ToldEvent } from "./events.ts";
import { HandIn } from "./hand-in.ts";
import { Intake } from "./intake.ts";
import { LiveTasks } from "./live-tasks.ts";
import { NamedFiles } from "./named-files.ts";
import type { TasksOptions } from "./options.ts";
import type { TaskProgress } from "./progress.ts";
import { Retention } from "./retention.ts";
import { Stopping } from "./stopping.ts";
import type { NameStore } from "./store/names.ts";
import type { TaskFilter, TaskPage } from "./store/store.ts";
import type { Asker, SubmitOptions } from "./submission.ts";
import { isTaskId, type Task } from "./task.ts";
import { Uploads } from "./uploads.ts";

/** All tasks of all callers: taken in, worked on, waited for, cancelled, deleted. */
export class Tasks {
  readonly uploads: Uploads;
  /** Of callers that know them by names. */
  readonly files: NamedFiles;
  readonly assets: Assets;
  readonly graphs: HandIn;
  readonly #options: TasksOptions;
  readonly #events: TaskEvents;
  readonly #live: LiveTasks;
  readonly #servers: AmongServers;
  readonly #stopping: Stopping;
  readonly #intake: Intake;
  readonly #deletion: Deletion;
  readonly #retention: Retention;
  readonly #closing = new AbortController();
  #started: Promise<void> = Promise.resolve();

  constructor(options: TasksOptions) {
    this.#options = options;
    const { store, log, images } = options;
    this.uploads = new Uploads(store, images, options.sources);
    this.files = new NamedFiles(store, images);
    this.assets = new Assets({ store, images, files: this.files });
    this.#events = new TaskEvents({
      progressOf: (id) => this.progress(id),
      watched: (interest, on) => this.#servers.elsewhere.watched(interest, on),
    });
    const announcer = new Announcer(options.webhooks, log, options.webhookShapes);
    this.#live = new LiveTasks({
      ...options,
      files: this.files,
      events: this.#events,
      announcer,
      isSeenElsewhere: (id) => this.#servers.elsewhere.isSeen(id),
      mayWork: () => this.#servers.mayWork,
      lookForWishes: () => this.#servers.lookForWishes(),
    });
    const [events, live] = [this.#events, this.#live];
    this.#servers = new AmongServers({ ...options, announcer, events, live });
    this.#stopping = new Stopping({
      ...{ ...options, live },
      get: (id, caller) => this.get(id, caller),
      events: (id, asked) => this.events(id, undefined, asked),
    });
    const backlog = new Backlog(options.mostWaiting, () => this.#live.waitingPictures);
    this.#intake = new Intake({ ...options, backlog });
    this.#deletion = new Deletion({ ...options, live: this.#live, events: this.#events });
    this.graphs = new HandIn({
      ...options,
      backlog,
      files: this.files,
      hold: () => this.#servers.hold(),
      begin: (task, recipe) => this.#begin(task, recipe),
      live: (id) => this.#live.get(id),
      remove: (task) => this.#deletion.one(task),
    });
    this.#retention = new Retention(options.retention, store, log, (task) =>
      this.#deletion.one(task),
    );
  }

  /** What whoever reads records must know; see `TaskStore.notice`. */
  get notice(): string | undefined {
    return this.#options.store.notice;
  }

  /** Days that an ended task is kept; undefined: until it is deleted. */
  get keepDays(): number | undefined {
    return this.#options.retention.keepDays;
  }

  /** Takes up what dead servers left unfinished, now and whenever another dies. */
  start(): Promise<void> {
    this.#started = this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    await this.#servers.start();
    this.#options.webhooks.start();
    const { store, images, log } = this.#options;
    await sweep(store, images, log, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    await this.uploads.start(log);
    await this.#retention.start();
  }

  /** Checks the call and stores it as a task, unless it had been made before; then it is worked on. */
  async submit(
    tool: string,
    request: TaskRequest,
    asker: Asker,
    options: SubmitOptions = {},
  ): Promise<{ task: Task; isNew: boolean }> {
    const { task, recipe, isNew } = await this.#intake.take(tool, request, asker, options, () =>
      this.#servers.hold(),
    );
    if (isNew && options.previews) this.#events.expectPreviews(task.id);
    if (isNew) this.#begin(task, recipe);
    return { task, isNew };
  }

  /** The pictures of a task once more; notes say where they may differ. */
  async again(id: string, asker: Asker, options: SubmitOptions, caller?: string): Promise<Task> {
    const earlier = await this.get(id, caller);
    const taken = await this.#intake.again(earlier, asker, options, () => this.#servers.hold());
    this.#begin(taken.task, taken.recipe);
    return taken.task;
  }

  #begin(task: Task, recipe: Recipe): void {
    // Else the lease ran out meanwhile: it is whoever's claims it, perhaps this server's.
    if (this.#servers.works(task)) this.#live.begin(task, recipe, false);
    this.#events.wrote(task);
  }

  /** The record as it was last written; `caller` sees only its own. */
  async get(id: string, caller?: string): Promise<Task> {
    const live = this.#live.get(id);
    const known = live && !live.isLost ? live.record : undefined;
    const task = known ?? (isTaskId(id) ? await this.#options.store.get(id) : undefined);
    if (task && (caller ?? task.caller) === task.caller) return task;
    throw new AppError(
      "not_found",
      `task_id: there is no task ${JSON.stringify(id.slice(0, 60))}. It may have been deleted; list_tasks shows the ones on record.`,
    );
  }

  /** The record of a task that this server works on. */
  atWork(id: string): Task | undefined {
    return this.#live.get(id)?.record;
  }

  get names(): NameStore {
    return this.#options.store.names;
  }

  /** What a task was made from; undefined where that is not on record. */
  recipe(task: Task): Promise<Recipe | undefined> {
    return this.#options.store.recipe(task.recipe);
  }

  /** Resolves when `progress` knows of a task that another server works on, or soon after. */
  learnProgress(task: Task): Promise<void> {
    return this.#servers.elsewhere.askOnce(task);
  }

  /** Undefined for a task that has ended, and while nothing is known of it here. */
  progress(id: string): TaskProgress | undefined {
    const live = this.#live.get(id);
    return live ? live.board.read(live.draft) : this.#servers.elsewhere.progressOf(id);
  }

  /** The newest frame of a task that is being painted; frames come only while somebody reads of it. */
  livePreview(id: string): LivePreview | undefined {
    return this.#live.get(id)?.preview ?? this.#servers.elsewhere.previewOf(id);
  }

  /** Why nothing is known here of how far an unfinished task is. */
  elsewhere(task: Task): string | undefined {
    if (this.progress(task.id)) return undefined;
    return whyUnknown(
      task,
      this.#options.pool.all.map(({ url }) => url),
    );
  }

  /** What happens to one task, from where it is to its end. Throws `not_found` as `get` does. */
  async *events(
    id: string,
    caller: string | undefined,
    options: EventsOptions,
  ): AsyncGenerator<ToldEvent> {
    yield* this.#events.read({ id, caller }, options, async () => {
      const task = await this.get(id, caller);
      const progress = this.progress(id);
      const preview = this.livePreview(id);
      return [
        { kind: "state", id, task },
        ...(progress ? [{ kind: "progress" as const, id, progress }] : []),
        ...(preview ? [{ kind: "preview" as const, id, preview }] : []),
      ];
    });
  }

  /**
   * What happens to all tasks of a caller until `signal`: how far each is that has not ended, then
   * what comes. With the `mark` of an earlier event, what has happened since goes before.
   */
  allEvents(
    caller: string | undefined,
    options: EventsOptions & { after?: number | undefined },
  ): AsyncGenerator<ToldEvent> {
    const progressOf = (id: string) => this.progress(id);
    return this.#events.read({ caller }, options, () =>
      catchUp(this.#options.store, progressOf, options.after, caller),
    );
  }

  list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage> {
    return this.#options.store.list(filter, limit, cursor);
  }

  count(filter: TaskFilter): Promise<number> {
    return this.#options.store.count(filter);
  }

  /** What the pictures of one caller, or of all, take on disk. */
  keptBytes(caller?: string): Promise<number> {
    return this.#options.store.totalBytes(caller);
  }

  /** Calls `listener` with every record this server writes, until what is returned is called. */
  onWrote(listener: (task: Task) => void): () => void {
    // News of other servers' tasks come along while somebody here reads of them.
    return this.#events.onWrote((task) => {
      if (this.#servers.works(task)) listener(task);
    });
  }

  /**
   * Stops this task's runs and no others, then says what happened to them. The wish is on record:
   * it is carried out when ComfyUI is back, and by whichever server works on the task.
   */
  cancel(id: string, caller?: string): Promise<CancelReport> {
    return this.#stopping.cancel(id, caller);
  }

  /** Stops the picture that is being made here; false where none of this task is. */
  skip(id: string, caller?: string): Promise<boolean> {
    return this.#stopping.skip(id, caller);
  }

  /**
   * From now on a ComfyUI is given nothing new, by any server of this store, or takes part again;
   * what it has goes on. Throws `not_found` for a name that this server does not use.
   */
  async drain(backend: string, isDrained: boolean): Promise<void> {
    const { pool, store, handOver } = this.#options;
    pool.named(backend);
    await store.drains.set(backend, isDrained);
    await handOver.refreshDrained();
  }

  /** Removes records and pictures, and inputs that no other task uses; what runs is stopped. */
  delete(filter: TaskFilter, dryRun: boolean): Promise<DeleteReport> {
    return this.#deletion.all(filter, dryRun);
  }

  /** Leaves unfinished tasks as they are on record; ComfyUI goes on with what it has. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#servers.deafen();
    this.uploads.close();
    await this.#retention.close();
    await this.#started.catch(() => {});
    this.#events.close();
    this.#servers.elsewhere.close();
    this.#options.handOver.close();
    await this.#live.close();
    await this.#options.webhooks.close();
    await this.#servers.close();
  }
}
