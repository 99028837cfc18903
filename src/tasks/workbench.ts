import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Backend } from "../comfy/backend.ts";
import { messageOf } from "../errors.ts";
import type { Reach } from "../files/roots.ts";
import type { SaveTo } from "../files/save-to.ts";
import { fileExtensions } from "../images/sniff.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import type { Workflow } from "../workflows/workflow.ts";
import type { Announcer } from "./announcer.ts";
import { erase } from "./deletion.ts";
import { ProgressBoard } from "./progress.ts";
import { type LiveTask, Runner } from "./runner.ts";
import { canFollow, isTerminal, type TaskState } from "./state.ts";
import type { TaskStore } from "./store/store.ts";
import { imagesOf, type Task } from "./task.ts";

export interface WorkbenchOptions {
  backend: Backend;
  images: ImageStore;
  store: TaskStore;
  log: Log;
  deliverBySocket: boolean;
  announcer: Announcer;
  saver: SaveTo;
  saveReach: Reach;
}

/** A record that could not be written at its end is tried again this often. */
const rewriteMs = 5_000;

interface Bench {
  live: LiveTask;
  /** Settles when the task has ended, or when the server closes. */
  runs: Promise<void>;
  /** Settles when its end is on record as well. */
  work: Promise<void>;
  /** The last write of the record; writes of one task go one after another. */
  write: Promise<void>;
  /** The record is not ours any more: deleted, or taken over by another server. */
  lost: boolean;
  /** The last write failed; the record on disk is older than the task. */
  unwritten: boolean;
}

/** The tasks that are being worked on: their runs, their records on the way, their listeners. */
export class Workbench {
  readonly #options: WorkbenchOptions;
  readonly #runner: Runner;
  readonly #benches = new Map<string, Bench>();
  readonly #closing = new AbortController();
  readonly #events = new EventEmitter().setMaxListeners(0);

  constructor(options: WorkbenchOptions) {
    this.#options = options;
    this.#runner = new Runner({
      ...options,
      changed: (live) => this.#changed(live),
      progressed: ({ task, board }) => {
        options.announcer.progressed(task, () => board.read(task));
        this.#events.emit(task.id);
      },
    });
  }

  /** Works on a stored task until its end. `resume`: an earlier process may have begun. */
  begin(task: Task, workflow: Workflow, resume: boolean): void {
    const live: LiveTask = {
      task,
      workflow,
      board: new ProgressBoard(),
      cancel: new AbortController(),
    };
    if (task.cancelAskedAt) live.cancel.abort();
    const bench: Bench = {
      live,
      runs: Promise.resolve(),
      work: Promise.resolve(),
      write: Promise.resolve(),
      lost: false,
      unwritten: false,
    };
    this.#benches.set(task.id, bench);
    bench.runs = this.#runner.run(live, resume);
    bench.work = this.#bringToEnd(bench);
  }

  live(id: string): LiveTask | undefined {
    return this.#benches.get(id)?.live;
  }

  /** Another server has it; its own work here is letting go. */
  isLost(id: string): boolean {
    return this.#benches.get(id)?.lost ?? false;
  }

  /** Stops the work on a task, and puts on record that it is not wanted. */
  async wantCancel(id: string): Promise<void> {
    const bench = this.#benches.get(id);
    if (!bench) return;
    bench.live.task.cancelAskedAt ??= new Date().toISOString();
    bench.live.cancel.abort();
    await this.#write(bench);
  }

  /** Writes the record now, outside of a transition. */
  async save(id: string): Promise<void> {
    const bench = this.#benches.get(id);
    if (bench) await this.#write(bench);
  }

  /** Undefined for a task that nobody works on. */
  work(id: string): Promise<void> | undefined {
    return this.#benches.get(id)?.work;
  }

  /** The end of its runs, which does not wait for a disk that is full. */
  runs(id: string): Promise<void> | undefined {
    return this.#benches.get(id)?.runs.catch(() => {});
  }

  /** Calls back at every change until the returned function is called. */
  watch(id: string, listener: () => void): () => void {
    this.#events.on(id, listener);
    return () => this.#events.off(id, listener);
  }

  /** Resolves when no work is left; the backend must be closed before, or it may take long. */
  async close(): Promise<void> {
    const benches = [...this.#benches.values()];
    this.#closing.abort();
    await Promise.allSettled(benches.flatMap(({ work, write }) => [work, write]));
  }

  async #bringToEnd(bench: Bench): Promise<void> {
    const { task } = bench.live;
    try {
      await bench.runs;
      await this.#finishWriting(bench);
    } catch (error) {
      this.#options.log.info(`task ${task.id} is left as it is: ${messageOf(error)}`);
    }
    this.#benches.delete(task.id);
    this.#events.emit(task.id);
    if (bench.lost) await this.#endDeletion(task);
  }

  /** Puts the pictures where the caller also wants them; that it failed is told, not hidden. */
  async #saveCopies(bench: Bench): Promise<void> {
    const { task } = bench.live;
    const { images, saver, saveReach } = this.#options;
    const made = imagesOf(task);
    if (!task.saveTo || task.savedTo || made.length === 0 || bench.lost) return;
    try {
      const pictures = await Promise.all(
        made.map(async ({ id, mimeType }) => ({
          bytes: await images.readResult(id, mimeType),
          extension: fileExtensions[mimeType],
          name: id,
        })),
      );
      const { target, overwrite } = task.saveTo;
      task.savedTo = await saver.save("save_to", target, pictures, {
        ...saveReach,
        overwrite,
      });
    } catch (error) {
      task.warnings.push(`Not saved: ${messageOf(error)}`);
    }
  }

  /** A disk that was full at the end of a task must not leave it running on record for ever. */
  async #finishWriting(bench: Bench): Promise<void> {
    while (bench.unwritten) {
      await delay(rewriteMs, undefined, { signal: this.#closing.signal });
      await this.#write(bench).catch((error) => this.#options.log.error(messageOf(error)));
    }
  }

  /** A task that was deleted while a run was letting go; one that was taken over is left alone. */
  async #endDeletion(task: Task): Promise<void> {
    const { store, images, log } = this.#options;
    try {
      if ((await store.get(task.id)) === undefined) await erase(store, images, task);
    } catch (error) {
      log.warn(`task ${task.id} is deleted only in part: ${messageOf(error)}`);
    }
  }

  async #changed({ task }: LiveTask): Promise<void> {
    const bench = this.#benches.get(task.id);
    if (!bench) return;
    const state = stateOf(task);
    if (state !== task.state && canFollow(state, task.state)) enter(task, state);
    if (bench.lost) return;
    try {
      // Before the write: after a crash in between both are done again rather than never.
      if (isTerminal(task.state)) await this.#saveCopies(bench);
      await this.#options.announcer.changed(task);
      await this.#write(bench);
    } finally {
      this.#events.emit(task.id);
    }
  }

  /** Deleted: its runs are stopped. Taken over: they go on, followed by the other server. */
  async #letGo({ live }: Bench): Promise<void> {
    const taken = await this.#options.store.get(live.task.id).catch(() => undefined);
    if (taken === undefined) live.cancel.abort();
    else this.#options.backend.abandon(live.task.runs.map((run) => run.promptId));
  }

  async #write(bench: Bench): Promise<void> {
    const write = bench.write.then(async () => {
      if (bench.lost) return;
      bench.unwritten = true;
      bench.lost = !(await this.#options.store.update(bench.live.task));
      bench.unwritten = false;
      if (bench.lost) await this.#letGo(bench);
    });
    // A failed write is its caller's; the next one must still be tried.
    bench.write = write.catch(() => {});
    await write;
  }
}

/** A task fails with its first failed run, though the pictures of the others stay. */
function stateOf(task: Task): TaskState {
  const states = task.runs.map((run) => run.state);
  if (states.every(isTerminal)) {
    if (states.includes("failed")) return "failed";
    return states.includes("cancelled") ? "cancelled" : "completed";
  }
  return states.every((state) => state === "queued") ? "queued" : "running";
}

function enter(task: Task, state: TaskState): void {
  const now = new Date().toISOString();
  task.state = state;
  if (state !== "cancelled") task.startedAt ??= now;
  if (!isTerminal(state)) return;
  task.finishedAt = now;
  task.resultBytes = imagesOf(task).reduce((sum, image) => sum + image.bytes, 0);
  const error = task.runs.find((run) => run.state === state)?.error;
  if (error) task.error = error;
}
