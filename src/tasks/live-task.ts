import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { cancelledReason } from "../comfy/signals.ts";
import { messageOf } from "../errors.ts";
import { copyJson } from "../json.ts";
import type { Log } from "../log.ts";
import type { Recipe } from "../workflows/recipe.ts";
import type { LivePreview } from "./events.ts";
import { ProgressBoard } from "./progress.ts";
import { canFollow, isTerminal, type TaskState } from "./state.ts";
import { imagesOf, type Run, stateOf, type Task } from "./task.ts";

/** A record that could not be written is tried again this often. */
const rewriteMs = 5_000;

export interface LiveTaskPorts {
  log: Log;
  /** False when the record is another server's, or deleted. */
  write(task: Task): Promise<boolean>;
  /** The last thing before the end is written; may add to the record. */
  ending(task: Task): Promise<void>;
  /** Before a write that matters to whoever is told of start and end. */
  announce(task: Task): Promise<void>;
  wrote(task: Task): void;
  /** The record was refused: whose is it now? */
  refused(live: LiveTask): Promise<void>;
}

interface RunStop {
  stop: AbortController;
  signal: AbortSignal;
}

/**
 * A task that is being worked on. Its work edits a draft; the draft is written, and only then
 * shown: what a reader sees is what is on record.
 */
export class LiveTask {
  readonly recipe: Recipe;
  /** Under which it may be written. */
  readonly serverId: string;
  readonly board = new ProgressBoard();
  preview: LivePreview | undefined;
  readonly #ports: LiveTaskPorts;
  readonly #stop = new AbortController();
  readonly #left = new AbortController();
  readonly #runs = new Map<number, RunStop>();
  readonly #draft: Task;
  #record: Task;
  #isDirty = false;
  #writing: Promise<void> | undefined;
  /** Deleted, taken over or left behind: nothing is posted or written any more. */
  readonly #lost = new AbortController();
  readonly #posted = new AbortController();

  constructor(task: Task, recipe: Recipe, ports: LiveTaskPorts) {
    this.#record = task;
    this.#draft = copyJson(task);
    this.recipe = recipe;
    this.serverId = task.server ?? "";
    this.#ports = ports;
    setMaxListeners(0, this.#stop.signal, this.#left.signal, this.#lost.signal);
    if (task.deletedAt !== undefined) this.conceal();
  }

  get id(): string {
    return this.#record.id;
  }

  /** As it is on record. */
  get record(): Task {
    return this.#record;
  }

  /** As far as the work is; for the work itself. */
  get draft(): Readonly<Task> {
    return this.#draft;
  }

  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  /** Aborted when the task is not wanted: its runs are kept from ComfyUI or stopped there. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted when one run is not wanted, alone or with its task. */
  signalOf(index: number): AbortSignal {
    return this.#runOf(index).signal;
  }

  /** The other runs go on. */
  skip(index: number): void {
    this.#runOf(index).stop.abort(cancelledReason);
  }

  #runOf(index: number): RunStop {
    const known = this.#runs.get(index);
    if (known) return known;
    const stop = new AbortController();
    const run = { stop, signal: AbortSignal.any([stop.signal, this.signal]) };
    setMaxListeners(0, run.signal);
    this.#runs.set(index, run);
    return run;
  }

  /** Aborted when the work is let go of: nothing more is posted, and ComfyUI goes on. */
  get leave(): AbortSignal {
    return this.#left.signal;
  }

  /** Aborted when ComfyUI has a run of it, or never will. */
  get posted(): AbortSignal {
    return this.#posted.signal;
  }

  wasPosted(): void {
    // A reason of its own, for the standard one is an error with a stack.
    if (!this.#posted.signal.aborted) this.#posted.abort("posted");
  }

  cancel(): void {
    this.#stop.abort(cancelledReason);
  }

  /** Another server has it, or this one closes. */
  letGo(): void {
    this.#lost.abort();
    this.#left.abort();
  }

  /** The record has gone from sight; what the draft names is removed when the work lets go. */
  conceal(): void {
    this.#lost.abort();
    this.cancel();
  }

  /** Changes the draft; it is written as soon as the write before it is done. */
  edit(change: (task: Task) => void): void {
    change(this.#draft);
    this.#isDirty = true;
    this.#writing ??= this.#write();
  }

  /** Changes the draft; it is written with whatever is edited next. */
  note(index: number, change: (run: Run) => void): void {
    const run = this.#draft.runs[index];
    if (run) change(run);
  }

  editRun(index: number, change: (run: Run, task: Task) => void): void {
    this.edit((task) => {
      const run = task.runs[index];
      if (run) change(run, task);
    });
  }

  /** Resolves when the draft is on record, or is not to be any more. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    // Edits of one moment are one write.
    await undefined;
    while (this.#isDirty && !this.isLost) {
      this.#isDirty = false;
      try {
        await this.#writeOnce();
      } catch (error) {
        this.#isDirty = true;
        this.#ports.log.error(`task ${this.id}: ${messageOf(error)}`);
        await delay(rewriteMs, undefined, { signal: this.#lost.signal }).catch(() => {});
      }
    }
    // In the same breath as the last look: an edit after it begins a new write.
    this.#writing = undefined;
  }

  /** The end is computed and written as a whole, then shown. */
  async #writeOnce(): Promise<void> {
    const state = stateOf(this.#draft);
    if (state !== this.#draft.state && canFollow(state, this.#draft.state)) {
      enter(this.#draft, state);
    }
    if (isTerminal(this.#draft.state)) await this.#ports.ending(this.#draft);
    await this.#ports.announce(this.#draft);
    const next = copyJson(this.#draft);
    if (this.isLost) return;
    if (await this.#ports.write(next)) {
      this.#record = next;
      this.#ports.wrote(next);
      return;
    }
    this.#lost.abort();
    await this.#ports.refused(this);
  }
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
