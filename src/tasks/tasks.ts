import { once } from "node:events";
import type { Backend, Cancelled } from "../comfy/backend.ts";
import { AppError, messageOf } from "../errors.ts";
import type { ImageSources } from "../images/source.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import type { Catalog } from "../workflows/catalog.ts";
import type { TaskProgress } from "./progress.ts";
import { isTerminal } from "./state.ts";
import type { TaskFilter, TaskPage, TaskStore } from "./store.ts";
import { prepare, type TaskRequest } from "./submission.ts";
import { type ImageRecord, imagesOf, isTaskId, type Task, taskIdOf } from "./task.ts";
import { Workbench } from "./workbench.ts";
import { type WorkflowStates, workflowStates } from "./workflow-states.ts";

/** How long a cancel waits to see the run really stop. */
const cancelWatchMs = 10_000;
const pageSize = 500;

export interface TasksOptions {
  backend: Backend;
  catalog: Catalog;
  images: ImageStore;
  sources: ImageSources;
  store: TaskStore;
  log: Log;
  deliverBySocket: boolean;
}

export interface CancelReport {
  task: Task;
  /** How many runs met which end; `still_stopping`: signalled, but the node has not let go yet. */
  runs: Partial<Record<Cancelled | "not_started" | "still_stopping", number>>;
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

  constructor(options: TasksOptions) {
    this.#options = options;
    this.#bench = new Workbench(options);
  }

  /** Checks the call and stores it as a task; the work goes on after the answer. */
  async submit(tool: string, request: TaskRequest, signal?: AbortSignal): Promise<Task> {
    const { task, workflow } = await prepare(this.#options, tool, request, signal);
    signal?.throwIfAborted();
    await this.#options.store.put(task);
    this.#bench.begin(task, workflow, false);
    return task;
  }

  /** Takes up what an earlier process left unfinished. */
  async recover(): Promise<number> {
    let count = 0;
    for await (const task of this.#each({ states: ["queued", "running"] })) {
      if (this.#bench.live(task.id)) continue;
      await this.#resume(task);
      count += 1;
    }
    return count;
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

  async image(imageId: string): Promise<{ record: ImageRecord; task: Task }> {
    const taskId = taskIdOf(imageId);
    const task = taskId ? await this.get(taskId).catch(() => undefined) : undefined;
    const record = task && imagesOf(task).find((image) => image.id === imageId);
    if (record) return { record, task };
    throw new AppError(
      "not_found",
      `image_id: there is no picture ${JSON.stringify(imageId.slice(0, 60))}. Ids look like t0123456789abcdef-1; task_status and list_tasks name those of a task.`,
    );
  }

  /**
   * Resolves when the task has ended, when `timeoutMs` are over, or on `signal`; any number of
   * callers may wait, and none of them ends the task.
   */
  async wait(id: string, timeoutMs: number, signal?: AbortSignal): Promise<Task> {
    const task = await this.get(id);
    const work = this.#bench.work(id);
    if (!work || timeoutMs <= 0 || signal?.aborted) return task;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), timeoutMs);
    const leave = () => over.abort();
    signal?.addEventListener("abort", leave, { once: true });
    await Promise.race([work, once(over.signal, "abort")]);
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
    return this.get(id);
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

  /** Stops this task's runs and no others, then says what happened to them. */
  async cancel(id: string): Promise<CancelReport> {
    const task = await this.get(id);
    const live = this.#bench.live(id);
    const open = live ? task.runs.filter((run) => !isTerminal(run.state)) : [];
    const finished = task.runs.length - open.length;
    const runs: CancelReport["runs"] = finished > 0 ? { already_finished: finished } : {};
    if (!live) return { task, runs };
    live.cancelAsked = true;
    // Last first: what waits is taken away before the next of it can start.
    for (const run of open.toReversed()) {
      const what = await this.#options.backend.cancel(run.promptId);
      const end = what === "unknown" ? "not_started" : what;
      runs[end] = (runs[end] ?? 0) + 1;
    }
    const after = await this.wait(id, cancelWatchMs);
    const stopping = after.runs.filter((run) => !isTerminal(run.state)).length;
    if (stopping > 0) {
      runs.still_stopping = stopping;
      delete runs.interrupted;
    }
    return { task: after, runs };
  }

  /** Cancels what runs, then removes records and pictures. Inputs stay: other tasks may use them. */
  async delete(filter: TaskFilter, dryRun: boolean): Promise<DeleteReport> {
    const report: DeleteReport = { tasks: 0, images: 0, bytes: 0, cancelled: 0, dryRun };
    for await (const task of this.#each(filter)) {
      report.tasks += 1;
      if (!isTerminal(task.state)) report.cancelled += 1;
      const images = dryRun ? imagesOf(task) : await this.#deleteOne(task.id);
      report.images += images.length;
      report.bytes += images.reduce((sum, image) => sum + image.bytes, 0);
    }
    return report;
  }

  /** Leaves unfinished tasks as they are on record; ComfyUI goes on with what it has. */
  close(): Promise<void> {
    return this.#bench.close();
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
    try {
      const workflow = this.#options.catalog.get(task.tool, task.workflow);
      this.#bench.begin(task, workflow, true);
    } catch (error) {
      task.state = "failed";
      task.finishedAt = new Date().toISOString();
      task.error = { code: "lost", message: `Its workflow is gone: ${messageOf(error)}` };
      await this.#options.store.put(task);
    }
  }

  async #deleteOne(id: string): Promise<ImageRecord[]> {
    if (this.#bench.live(id)) await this.cancel(id);
    await this.#bench.forget(id);
    const images = imagesOf(await this.get(id));
    for (const image of images) await this.#options.images.deleteResult(image.id, image.mimeType);
    await this.#options.store.delete(id);
    return images;
  }
}
