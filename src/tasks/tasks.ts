import type { Pool } from "../comfy/pool.ts";
import { AppError, messageOf } from "../errors.ts";
import { counted, quoted } from "../words.ts";
import type { Recipe } from "../workflows/recipe.ts";
import type { TaskRequest } from "../workflows/request.ts";
import { Announcer } from "./announcer.ts";
import { Assets } from "./assets.ts";
import { Backlog } from "./backlog.ts";
import {
  type CancelReport,
  endsBefore,
  endsElsewhere,
  reportOf,
  skipHere,
  stopHere,
} from "./cancelling.ts";
import { type DeleteReport, Deletion, sweep } from "./deletion.ts";
import { Elsewhere, missedSince, whyUnknown } from "./elsewhere.ts";
import {
  type EventsOptions,
  type LivePreview,
  type TaskEvent,
  TaskEvents,
  type ToldEvent,
} from "./events.ts";
import { HandIn } from "./hand-in.ts";
import { Intake } from "./intake.ts";
import { Lease } from "./lease.ts";
import { LiveTasks } from "./live-tasks.ts";
import { NamedFiles } from "./named-files.ts";
import type { TasksOptions } from "./options.ts";
import type { TaskProgress } from "./progress.ts";
import { Retention } from "./retention.ts";
import type { NameStore } from "./store/names.ts";
import type { News, TaskFilter, TaskPage } from "./store/store.ts";
import type { Asker, SubmitOptions } from "./submission.ts";
import { Takeover } from "./takeover.ts";
import { isTaskId, openRuns, type Task } from "./task.ts";
import { Uploads } from "./uploads.ts";

/** Whoever begins to read is told how far this many are. */
const mostUnfinished = 100;

/** How long a cancel waits to see the run really stop. */
const cancelWatchMs = 10_000;

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
  readonly #lease: Lease;
  readonly #elsewhere: Elsewhere;
  readonly #takeover: Takeover;
  readonly #intake: Intake;
  readonly #deletion: Deletion;
  readonly #retention: Retention;
  readonly #closing = new AbortController();
  #started: Promise<void> = Promise.resolve();
  #deaf = () => {};

  constructor(options: TasksOptions) {
    this.#options = options;
    const { store, log, images } = options;
    this.uploads = new Uploads(store, images, options.sources);
    this.files = new NamedFiles(store, images);
    this.assets = new Assets({ store, images, files: this.files });
    this.#events = new TaskEvents({
      progressOf: (id) => this.progress(id),
      watched: (interest, on) => this.#elsewhere.watched(interest, on),
    });
    this.#lease = new Lease(
      store,
      log,
      {
        isBusy: () => this.#live.size > 0,
        wants: (task) => this.#takeover.wants(task),
        take: (tasks) => this.#takeover.take(tasks),
        wished: (wishes) => this.#takeover.beat(wishes),
        lapsed: () => this.#live.giveUp(),
      },
      options.lease,
    );
    const announcer = new Announcer(options.webhooks, log, options.webhookShapes);
    this.#live = new LiveTasks({
      ...options,
      files: this.files,
      events: this.#events,
      announcer,
      isSeenElsewhere: (id) => this.#elsewhere.isSeen(id),
      mayWork: () => this.#lease.isHeld,
      lookForWishes: () => this.#takeover.lookForWishes(),
    });
    this.#elsewhere = new Elsewhere({
      store,
      log,
      events: this.#events,
      live: this.#live,
      serverId: () => this.#lease.serverId,
    });
    this.#takeover = new Takeover({
      ...options,
      announcer,
      events: this.#events,
      live: this.#live,
      elsewhere: this.#elsewhere,
      serverId: () => this.#lease.serverId,
    });
    const backlog = new Backlog(options.mostWaiting, () => this.#live.waitingPictures);
    this.#intake = new Intake({ ...options, backlog });
    this.#deletion = new Deletion({ ...options, live: this.#live, events: this.#events });
    this.graphs = new HandIn({
      ...options,
      backlog,
      files: this.files,
      hold: () => this.#hold(),
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
    this.#deaf = this.#options.store.onNews?.((news) => this.#heard(news)) ?? (() => {});
    await this.#lease.start();
    this.#options.webhooks.start();
    const { store, images, log } = this.#options;
    await sweep(store, images, log, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    await this.uploads.start(log);
    await this.#retention.start();
  }

  #heard(news: News): void {
    if (news !== "wishes") return this.#elsewhere.heard(news);
    this.#takeover
      .lookForWishes()
      .catch((error) => this.#options.log.debug(`what others wish: ${messageOf(error)}`));
  }

  /** Checks the call and stores it as a task, unless it had been made before; then it is worked on. */
  async submit(
    tool: string,
    request: TaskRequest,
    asker: Asker,
    options: SubmitOptions = {},
  ): Promise<{ task: Task; isNew: boolean }> {
    const { task, recipe, isNew } = await this.#intake.take(tool, request, asker, options, () =>
      this.#hold(),
    );
    if (isNew && options.previews) this.#events.expectPreviews(task.id);
    if (isNew) this.#begin(task, recipe);
    return { task, isNew };
  }

  /** The pictures of a task once more; notes say where they may differ. */
  async again(id: string, asker: Asker, options: SubmitOptions, caller?: string): Promise<Task> {
    const earlier = await this.get(id, caller);
    const taken = await this.#intake.again(earlier, asker, options, () => this.#hold());
    this.#begin(taken.task, taken.recipe);
    return taken.task;
  }

  #begin(task: Task, recipe: Recipe): void {
    // Else the lease ran out meanwhile: it is whoever's claims it, perhaps this server's.
    if (task.server === this.#lease.serverId) this.#live.begin(task, recipe, false);
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
    return this.#elsewhere.askOnce(task);
  }

  /** Undefined for a task that has ended, and while nothing is known of it here. */
  progress(id: string): TaskProgress | undefined {
    const live = this.#live.get(id);
    return live ? live.board.read(live.draft) : this.#elsewhere.progressOf(id);
  }

  /** The newest frame of a task that is being painted; frames come only while somebody reads of it. */
  livePreview(id: string): LivePreview | undefined {
    return this.#live.get(id)?.preview ?? this.#elsewhere.previewOf(id);
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
    return this.#events.read({ caller }, options, async () => {
      const missed =
        options.after === undefined
          ? []
          : await missedSince(this.#options.store, options.after, caller);
      const filter: TaskFilter = { states: ["queued", "running"], ...(caller ? { caller } : {}) };
      const { tasks } = await this.list(filter, mostUnfinished);
      const progress = tasks.flatMap(({ id }): TaskEvent[] => {
        const now = this.progress(id);
        return now ? [{ kind: "progress", id, progress: now }] : [];
      });
      return [...missed, ...progress];
    });
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
      if (task.server === this.#lease.serverId) listener(task);
    });
  }

  /**
   * Stops this task's runs and no others, then says what happened to them. The wish is on record:
   * it is carried out when ComfyUI is back, and by whichever server works on the task.
   */
  async cancel(id: string, caller?: string): Promise<CancelReport> {
    const before = await this.get(id, caller);
    const ends = endsBefore(before);
    if (openRuns(before).length === 0) return reportOf(before, ends);
    await this.#options.store.wantCancel(id);
    const live = this.#live.get(id);
    if (!live) {
      const after = await this.#ended(id, cancelWatchMs);
      return reportOf(after, [...ends, ...endsElsewhere(before, after)]);
    }
    ends.push(...(await stopHere(live, this.#options.pool, this.#options.log)));
    const isAway = ends.includes("when_back");
    return reportOf(await this.#ended(id, isAway ? 0 : cancelWatchMs), ends);
  }

  /** Stops the picture that is being made here; false where none of this task is. */
  async skip(id: string, caller?: string): Promise<boolean> {
    await this.get(id, caller);
    const live = this.#live.get(id);
    return live ? skipHere(live, this.#options.pool, this.#options.log) : false;
  }

  /**
   * From now on a ComfyUI is given nothing new, by any server of this store, or takes part again;
   * what it has goes on. Throws `not_found` for a name that this server does not use.
   */
  async drain(backend: string, isDrained: boolean): Promise<void> {
    const { pool, store, handOver } = this.#options;
    if (!pool.of(backend)) throw unknownBackend(backend, pool);
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
    this.#deaf();
    this.uploads.close();
    await this.#retention.close();
    await this.#started.catch(() => {});
    this.#events.close();
    this.#elsewhere.close();
    this.#options.handOver.close();
    await this.#live.close();
    await this.#options.webhooks.close();
    await this.#lease.close();
  }

  async #hold(): Promise<string> {
    await this.#lease.hold();
    return this.#lease.serverId;
  }

  async #ended(id: string, timeoutMs: number): Promise<Task> {
    let last: Task | undefined;
    const signal = AbortSignal.timeout(timeoutMs);
    for await (const event of this.events(id, undefined, { signal })) {
      if (event.kind === "state") last = event.task;
    }
    return last ?? this.get(id);
  }
}

function unknownBackend(name: string, pool: Pool): AppError {
  const known = pool.all.map(({ url }) => url);
  return new AppError(
    "not_found",
    `There is no ComfyUI ${quoted(name, 80)} here. ${counted(known.length, "ComfyUI")} in use: ${known.join(", ")}.`,
  );
}
