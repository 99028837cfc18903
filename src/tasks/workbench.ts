import { EventEmitter } from "node:events";
import type { Backend } from "../comfy/backend.ts";
import { messageOf } from "../errors.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import type { Workflow } from "../workflows/workflow.ts";
import { ProgressBoard } from "./progress.ts";
import { type LiveTask, Runner } from "./runner.ts";
import { canFollow, isTerminal, type TaskState } from "./state.ts";
import type { TaskStore } from "./store.ts";
import { imagesOf, type Task } from "./task.ts";

export interface WorkbenchOptions {
  backend: Backend;
  images: ImageStore;
  store: TaskStore;
  log: Log;
  deliverBySocket: boolean;
}

interface Bench {
  live: LiveTask;
  /** Settles when the task has ended, or when the server closes. */
  work: Promise<void>;
  /** The last write of the record; writes of one task go one after another. */
  write: Promise<void>;
  /** Deleted while a run was still letting go: nothing of it may come back. */
  deleted: boolean;
}

/** The tasks that are being worked on: their runs, their records on the way, their listeners. */
export class Workbench {
  readonly #options: WorkbenchOptions;
  readonly #runner: Runner;
  readonly #benches = new Map<string, Bench>();
  readonly #events = new EventEmitter().setMaxListeners(0);

  constructor(options: WorkbenchOptions) {
    this.#options = options;
    this.#runner = new Runner({
      ...options,
      changed: (live) => this.#changed(live),
      progressed: (live) => {
        this.#events.emit(live.task.id);
      },
    });
  }

  /** Works on a stored task until its end. `resume`: an earlier process may have begun. */
  begin(task: Task, workflow: Workflow, resume: boolean): void {
    const live: LiveTask = { task, workflow, board: new ProgressBoard(), cancelAsked: false };
    const bench: Bench = {
      live,
      work: Promise.resolve(),
      write: Promise.resolve(),
      deleted: false,
    };
    this.#benches.set(task.id, bench);
    bench.work = this.#bringToEnd(bench, resume);
  }

  live(id: string): LiveTask | undefined {
    return this.#benches.get(id)?.live;
  }

  /** Undefined for a task that nobody works on. */
  work(id: string): Promise<void> | undefined {
    return this.#benches.get(id)?.work;
  }

  /** Calls back at every change until the returned function is called. */
  watch(id: string, listener: () => void): () => void {
    this.#events.on(id, listener);
    return () => this.#events.off(id, listener);
  }

  /** From here on nothing more of this task is written. */
  async forget(id: string): Promise<void> {
    const bench = this.#benches.get(id);
    if (!bench) return;
    bench.deleted = true;
    await bench.write;
  }

  /** Resolves when no work is left; the backend must be closed before, or it may take long. */
  async close(): Promise<void> {
    const benches = [...this.#benches.values()];
    await Promise.allSettled(benches.flatMap(({ work, write }) => [work, write]));
  }

  async #bringToEnd(bench: Bench, resume: boolean): Promise<void> {
    const { task } = bench.live;
    try {
      await this.#runner.run(bench.live, resume);
    } catch (error) {
      this.#options.log.info(`task ${task.id} is left as it is: ${messageOf(error)}`);
    }
    this.#benches.delete(task.id);
    this.#events.emit(task.id);
    if (!bench.deleted) return;
    for (const image of imagesOf(task)) {
      await this.#options.images.deleteResult(image.id, image.mimeType);
    }
  }

  async #changed({ task }: LiveTask): Promise<void> {
    const bench = this.#benches.get(task.id);
    if (!bench) return;
    const state = stateOf(task);
    if (state !== task.state && canFollow(state, task.state)) enter(task, state);
    const write = bench.write.then(async () => {
      if (!bench.deleted) await this.#options.store.put(task);
    });
    // A failed write is its caller's; the next one must still be tried.
    bench.write = write.catch(() => {});
    await write;
    this.#events.emit(task.id);
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
  const error = task.runs.find((run) => run.state === state)?.error;
  if (error) task.error = error;
}
