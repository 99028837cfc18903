import type { Pool } from "../comfy/pool.ts";
import { messageOf } from "../errors.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import { stopHere } from "./cancelling.ts";
import type { TaskEvents } from "./events.ts";
import type { LiveTasks } from "./live-tasks.ts";
import { isTerminal } from "./state.ts";
import type { TaskFilter, TaskStore } from "./store/store.ts";
import { type ImageRecord, imagesOf, keptInputs, type Task } from "./task.ts";

const pageSize = 500;
const atOnce = 200;
/** No call takes this long from its first input to its record. */
const abandonedMs = 60 * 60_000;
/** Named in a report; more are only counted. */
const mostNamed = 500;

export interface DeleteReport {
  tasks: number;
  /** Pictures and their bytes; inputs are kept. */
  images: number;
  bytes: number;
  /** How many of the tasks were unfinished. */
  cancelled: number;
  dryRun: boolean;
  /** The first of them, newest first. */
  named: Pick<Task, "id" | "tool" | "state" | "createdAt" | "params">[];
}

export interface DeletionParts {
  store: TaskStore;
  images: ImageStore;
  pool: Pool;
  log: Log;
  live: LiveTasks;
  events: TaskEvents;
}

/** Takes tasks from sight at once, stops what still runs, and removes what is left of them. */
export class Deletion {
  readonly #parts: DeletionParts;

  constructor(parts: DeletionParts) {
    this.#parts = parts;
  }

  async all(filter: TaskFilter, dryRun: boolean): Promise<DeleteReport> {
    const report: DeleteReport = {
      tasks: 0,
      images: 0,
      bytes: 0,
      cancelled: 0,
      dryRun,
      named: [],
    };
    const later: Task[] = [];
    for await (const task of this.#each(filter)) {
      const images = dryRun
        ? imagesOf(task)
        : await this.one(task).catch(() => void later.push(task));
      if (images) count(report, task, images);
    }
    // On a full disk a deletion can succeed once another one has made room.
    let failure: unknown;
    for (const task of later) {
      const images = await this.one(task).catch((error) => {
        failure = error;
      });
      if (images) count(report, task, images);
    }
    // What was deleted is told; that the rest was not, only where nothing was.
    if (failure !== undefined && report.tasks === 0) throw failure;
    return report;
  }

  /** A run that has not let go yet ends the deletion itself, here or on its own server. */
  async one({ id }: Task): Promise<ImageRecord[]> {
    const { store, images, live, events, pool, log } = this.#parts;
    const task = await this.#conceal(id);
    if (!task) return [];
    const here = live.get(id);
    if (here) {
      here.conceal();
      stopHere(here, pool, log).catch((error) => log.warn(messageOf(error)));
    } else if (isTerminal(task.state)) await erase(store, images, task);
    events.deleted(id, task.caller);
    return imagesOf(task);
  }

  /** On a full disk not even a deletion can be written before something has gone. */
  async #conceal(id: string): Promise<Task | undefined> {
    const { store, images } = this.#parts;
    try {
      return await store.conceal(id);
    } catch (error) {
      const known = await store.get(id);
      if (!known || !isTerminal(known.state) || imagesOf(known).length === 0) throw error;
      for (const image of imagesOf(known)) await images.deleteResult(image.id, image.mimeType);
      return store.conceal(id);
    }
  }

  /** Page by page, so that a million tasks never stand in memory; deleting meanwhile is fine. */
  async *#each(filter: TaskFilter): AsyncGenerator<Task> {
    let cursor: string | undefined;
    do {
      const page = await this.#parts.store.list(filter, pageSize, cursor);
      yield* page.tasks;
      cursor = page.cursor;
    } while (cursor);
  }
}

function count(report: DeleteReport, task: Task, images: readonly ImageRecord[]): void {
  report.tasks += 1;
  report.images += images.length;
  report.bytes += images.reduce((sum, image) => sum + image.bytes, 0);
  if (!isTerminal(task.state)) report.cancelled += 1;
  const { id, tool, state, createdAt, params } = task;
  if (report.named.length < mostNamed) report.named.push({ id, tool, state, createdAt, params });
}

/**
 * Removes the files of a concealed task, then its record. After a crash anywhere in between the
 * sweep does the rest, so neither a record without files nor files without a record stays. Never
 * by looking for files without a record: after the loss of a database those are all there is.
 * Its hold on inputs goes first: of two that go at once, the later one finds nobody else.
 */
export async function erase(store: TaskStore, images: ImageStore, task: Task): Promise<void> {
  for (const image of imagesOf(task)) await images.deleteResult(image.id, image.mimeType);
  await store.dropInputs(task.id);
  for (const { sha256, mimeType } of keptInputs(task)) {
    const isUsed = async () => (await store.otherUsers(sha256, task.id)) > 0;
    if (!(await isUsed())) await images.deleteInput(sha256, mimeType, isUsed);
  }
  await store.erase(task.id);
}

/** Ends the deletions that a crash left half done, and clears away unfinished files. */
export async function sweep(
  store: TaskStore,
  images: ImageStore,
  log: Log,
  closing: AbortSignal,
): Promise<void> {
  try {
    while (!closing.aborted) {
      // Those whose runs are still letting go are ended by the server that works on them.
      const left = await store.concealed(atOnce);
      for (const task of left) {
        if (closing.aborted) return;
        await erase(store, images, task);
      }
      if (left.length > 0) log.info(`ended deletions that a crash left half done: ${left.length}`);
      if (left.length < atOnce) break;
    }
    if (closing.aborted) return;
    // Inputs of calls that were refused, or that a crash cut off, are nobody's.
    for (const sha256 of await store.abandonedInputs(abandonedMs)) {
      const isUsed = async () => (await store.otherUsers(sha256, "")) > 0;
      if (!(await isUsed())) await images.deleteUnknownInput(sha256, isUsed);
    }
    await images.sweepTemp();
  } catch (error) {
    log.warn(`the sweep of the data folder stopped: ${messageOf(error)}`);
  }
}
