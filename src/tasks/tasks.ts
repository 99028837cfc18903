import type { Backend } from "../comfy/backend.ts";
import { AppError, messageOf } from "../errors.ts";
import type { SaveTo } from "../files/save-to.ts";
import type { ImageSources } from "../images/source.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import type { AddressRule } from "../net/address.ts";
import type { WebhookSender } from "../webhooks/sender.ts";
import { checkWebhook } from "../webhooks/webhook.ts";
import type { Catalog } from "../workflows/catalog.ts";
import type { PromptSources } from "../workflows/prompt.ts";
import { Announcer } from "./announcer.ts";
import { type CancelReport, reportOf, stopRuns } from "./cancelling.ts";
import { erase, sweep } from "./deletion.ts";
import { type Installed, installed } from "./installed.ts";
import { Membership } from "./membership.ts";
import type { TaskProgress } from "./progress.ts";
import { promptOnRecord } from "./prompt-on-record.ts";
import type { TaskRequest } from "./request.ts";
import { Retention, type RetentionRules } from "./retention.ts";
import { isTerminal } from "./state.ts";
import type { TaskFilter, TaskPage, TaskStore } from "./store/store.ts";
import { prepare } from "./submission.ts";
import { type ImageRecord, imagesOf, isTaskId, type Task, taskIdOf } from "./task.ts";
import { Workbench } from "./workbench.ts";
import { type WorkflowStates, workflowStates } from "./workflow-states.ts";

/** How long a cancel waits to see the run really stop. */
const cancelWatchMs = 10_000;
const pageSize = 500;
/** Another server's task is looked up on record; its events are in that process. */
const foreignPollMs = 300;

export interface TasksOptions {
  backend: Backend;
  catalog: Catalog;
  images: ImageStore;
  sources: ImageSources;
  saver: SaveTo;
  prompts: PromptSources;
  store: TaskStore;
  log: Log;
  deliverBySocket: boolean;
  webhooks: WebhookSender;
  /** Which addresses webhooks may have. */
  addressRule: AddressRule;
  retention: RetentionRules;
}

export interface DeleteReport {
  tasks: number;
  /** Pictures and their bytes; inputs are kept. */
  images: number;
  bytes: number;
  cancelled: number;
  dryRun: boolean;
}

/** What faces call: submit, look, wait, cancel, delete. */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #bench: Workbench;
  readonly #membership: Membership;
  readonly #retention: Retention;
  #started: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: TasksOptions) {
    this.#options = options;
    const announcer = new Announcer(options.webhooks, options.log);
    this.#bench = new Workbench({ ...options, announcer });
    this.#retention = new Retention(options.retention, options.store, options.log, (task) =>
      this.#deleteOne(task),
    );
    this.#membership = new Membership(options.store, options.log, {
      backend: options.backend.url,
      workflows: () => options.catalog.all().map(({ tool, name }) => `${tool}/${name}`),
      take: async (tasks) => {
        for (const task of tasks) await this.#resume(task).catch((error) => this.#complain(error));
      },
    });
  }

  /** What whoever reads records must know; see `TaskStore.notice`. */
  get notice(): string | undefined {
    return this.#options.store.notice;
  }

  /** Takes up what dead servers left unfinished, now and whenever another dies. */
  start(): Promise<void> {
    this.#started = this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    await this.#membership.join();
    this.#options.webhooks.start();
    await sweep(this.#options.store, this.#options.images, this.#options.log);
    await this.#retention.start();
  }

  /** Checks the call and stores it as a task; the work goes on after the answer. */
  async submit(tool: string, request: TaskRequest, signal?: AbortSignal): Promise<Task> {
    if (request.webhook) checkWebhook(request.webhook, this.#options.addressRule);
    const prompted = await promptOnRecord(this, tool, request);
    const { task, workflow } = await prepare(this.#options, tool, prompted.request, signal);
    task.warnings.push(...prompted.notes);
    signal?.throwIfAborted();
    if (request.webhook) task.webhook = request.webhook;
    task.owner = this.#membership.server.id;
    await this.#options.store.insert(task);
    this.#bench.begin(task, workflow, false);
    return task;
  }

  async get(id: string): Promise<Task> {
    const task =
      this.#bench.live(id)?.task ?? (isTaskId(id) ? await this.#options.store.get(id) : undefined);
    if (task) return task;
    throw new AppError(
      "not_found",
      `task_id: there is no task ${JSON.stringify(id.slice(0, 60))}. It may have been deleted; list_tasks shows the ones on record.`,
    );
  }

  /** Undefined for a task that has ended. */
  progress(id: string): TaskProgress | undefined {
    const live = this.#bench.live(id);
    return live?.board.read(live.task);
  }

  /** Why nothing is known here of how far an unfinished task is. */
  elsewhere(task: Task): string | undefined {
    if (this.#bench.live(task.id)) return undefined;
    const { url } = this.#options.backend;
    return task.backend === url
      ? "Another comfy-easel on this data folder works on it, or this one is about to take it up; how far it is, is not known here."
      : `It is for the ComfyUI at ${task.backend}, and this server uses ${url}; a server for that one goes on with it.`;
  }

  async image(imageId: string): Promise<{ record: ImageRecord; task: Task }> {
    const taskId = taskIdOf(imageId);
    const task = taskId ? await this.get(taskId).catch(() => undefined) : undefined;
    const record = task && imagesOf(task).find((image) => image.id === imageId);
    if (record) return { record, task };
    throw new AppError(
      "not_found",
      `There is no picture ${JSON.stringify(imageId.slice(0, 60))}. Ids look like t0123456789abcdef-1; task_status and list_tasks name those of a task.`,
    );
  }

  /**
   * Resolves when the task has ended, when `timeoutMs` are over, or on `signal`; any number of
   * callers may wait, and none of them ends the task.
   */
  async wait(id: string, timeoutMs: number, signal?: AbortSignal): Promise<Task> {
    const until = Date.now() + timeoutMs;
    let task = await this.get(id);
    while (!isTerminal(task.state) && Date.now() < until && !signal?.aborted) {
      const work = this.#bench.runs(id);
      await waitFor(work, work === undefined ? foreignPollMs : until - Date.now(), signal);
      if (this.#closed) break;
      task = await this.get(id);
    }
    return task;
  }

  /** Calls back at every change until the returned function is called. */
  watch(id: string, listener: () => void): () => void {
    return this.#bench.watch(id, listener);
  }

  list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage> {
    return this.#options.store.list(filter, limit, cursor);
  }

  count(filter: TaskFilter): Promise<number> {
    return this.#options.store.count(filter);
  }

  workflows(): Promise<WorkflowStates> {
    return workflowStates(this.#options.catalog, this.#options.backend);
  }

  installed(): Promise<Installed> {
    const { catalog, backend, prompts } = this.#options;
    return installed(catalog, backend, prompts);
  }

  /**
   * Stops this task's runs and no others, then says what happened to them. While ComfyUI is away
   * the wish is remembered, and carried out when it is back.
   */
  async cancel(id: string): Promise<CancelReport> {
    const ends = await stopRuns(await this.get(id), this.#bench, this.#options);
    const isAway = ends.includes("when_back");
    const after = await this.wait(id, isAway ? 0 : cancelWatchMs);
    return reportOf(after, ends);
  }

  /** Cancels what runs, then removes records and pictures, and inputs that no other task uses. */
  async delete(filter: TaskFilter, dryRun: boolean): Promise<DeleteReport> {
    const report: DeleteReport = { tasks: 0, images: 0, bytes: 0, cancelled: 0, dryRun };
    const later: Task[] = [];
    for await (const task of this.#each(filter)) {
      if (!isTerminal(task.state)) report.cancelled += 1;
      const images = dryRun
        ? imagesOf(task)
        : await this.#deleteOne(task).catch(() => void later.push(task));
      if (images) count(report, images);
    }
    // On a full disk a deletion can succeed once another one has made room.
    for (const task of later) count(report, await this.#deleteOne(task));
    return report;
  }

  /** Leaves unfinished tasks as they are on record; ComfyUI goes on with what it has. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retention.close();
    await this.#started.catch(() => {});
    await this.#bench.close();
    await this.#options.webhooks.close();
    await this.#membership.leave();
  }

  /** Page by page, so that a million tasks never stand in memory; deleting meanwhile is fine. */
  async *#each(filter: TaskFilter): AsyncGenerator<Task> {
    let cursor: string | undefined;
    do {
      const page = await this.#options.store.list(filter, pageSize, cursor);
      yield* page.tasks;
      cursor = page.cursor;
    } while (cursor);
  }

  async #resume(task: Task): Promise<void> {
    // Taken over and now given back: the old work here has to let go first.
    if (this.#bench.isLost(task.id)) await this.#bench.work(task.id);
    if (this.#bench.live(task.id)) return;
    const workflow = this.#options.catalog.get(task.tool, task.workflow);
    if (workflow.graphHash === task.graphHash) return this.#bench.begin(task, workflow, true);
    task.state = "failed";
    task.finishedAt = new Date().toISOString();
    const message = `Its workflow ${task.workflow} was changed before it could be finished.`;
    task.error = { code: "lost", message };
    await this.#options.store.update(task);
  }

  /** A run that has not let go yet ends the deletion itself; its server sees the record gone. */
  async #deleteOne({ id, state }: Task): Promise<ImageRecord[]> {
    if (!isTerminal(state)) await this.cancel(id).catch((error) => this.#complain(error));
    const { store, images } = this.#options;
    const task = await store.conceal(id).catch(async (error) => {
      // On a full disk not even a deletion can be written before something has gone.
      const known = await this.get(id);
      if (!isTerminal(known.state) || imagesOf(known).length === 0) throw error;
      for (const image of imagesOf(known)) await images.deleteResult(image.id, image.mimeType);
      return store.conceal(id);
    });
    if (!task) return [];
    if (isTerminal(task.state)) await erase(store, images, task);
    else await this.#bench.save(id);
    return imagesOf(task);
  }

  #complain(error: unknown): void {
    this.#options.log.warn(messageOf(error));
  }
}

function count(report: DeleteReport, images: readonly ImageRecord[]): void {
  report.tasks += 1;
  report.images += images.length;
  report.bytes += images.reduce((sum, image) => sum + image.bytes, 0);
}

/** Whichever comes first; no timer or listener stays behind. */
async function waitFor(
  work: Promise<void> | undefined,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let leave: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    leave = resolve;
    timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", leave, { once: true });
  });
  await Promise.race(work === undefined ? [over] : [work, over]);
  clearTimeout(timer);
  signal?.removeEventListener("abort", leave);
}
