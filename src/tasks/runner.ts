import { randomUUID } from "node:crypto";
import type { Backend } from "../comfy/backend.ts";
import { ExecutionFailedError, PromptRejectedError, quote } from "../comfy/errors.ts";
import type { Outcome, RunStatus } from "../comfy/outcome.ts";
import { imageFiles, shapeOutputs } from "../comfy/outputs.ts";
import type { Pool } from "../comfy/pool.ts";
import type { Graph } from "../comfy/protocol.ts";
import { AppError, messageOf } from "../errors.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import { choicesOn, graphOf } from "../workflows/recipe.ts";
import type { Value } from "../workflows/workflow.ts";
import type { LivePreview } from "./events.ts";
import { keepPicture } from "./keep.ts";
import type { LiveTask } from "./live-task.ts";
import { isTerminal } from "./state.ts";
import { type ImageRecord, imageIdFor, type Placement, type Run } from "./task.ts";

/** Making a lost run again must end some day. */
const attemptsPerRun = 4;

export interface RunnerPorts {
  pool: Pool;
  images: ImageStore;
  log: Log;
  /** Pictures come over the socket and leave no file on the ComfyUI machine. */
  deliverBySocket: boolean;
  /** False when this server may have been taken for dead. */
  mayWork(): boolean;
  /** Carries out what other servers want of this one's tasks. */
  lookForWishes(): Promise<void>;
  /** Whether somebody would see a preview. */
  isWatched(taskId: string): boolean;
  progressed(live: LiveTask): void;
  previewed(live: LiveTask, preview: LivePreview): void;
}

/** Brings tasks to their end: one ComfyUI prompt per run. */
export class Runner {
  readonly #ports: RunnerPorts;

  constructor(ports: RunnerPorts) {
    this.#ports = ports;
  }

  /**
   * Resolves when every run has ended, or when the task was let go of and its record stays as it
   * is. `resume`: an earlier process may have posted these runs, so ComfyUI is asked first.
   */
  async run(live: LiveTask, resume: boolean): Promise<void> {
    let turn = Promise.resolve();
    const drives: Promise<void>[] = [];
    for (const [index, { state }] of live.draft.runs.entries()) {
      if (isTerminal(state)) continue;
      const before = turn;
      // One after another into ComfyUI's queue, so that the pictures come in their order.
      turn = new Promise((posted) => {
        const drive = new Drive(this.#ports, live, index, resume, posted);
        drives.push(before.then(() => drive.toEnd()).finally(posted));
      });
    }
    await Promise.allSettled(drives);
  }
}

/** One run on its way to its end. */
class Drive {
  readonly #ports: RunnerPorts;
  readonly #live: LiveTask;
  readonly #index: number;
  readonly #posted: () => void;
  /** ComfyUI may have it already. */
  #look: boolean;
  /** Nobody can have wanted anything of it yet. */
  #isFresh: boolean;

  constructor(
    ports: RunnerPorts,
    live: LiveTask,
    index: number,
    resume: boolean,
    posted: () => void,
  ) {
    this.#ports = ports;
    this.#live = live;
    this.#index = index;
    this.#look = resume;
    this.#isFresh = !resume && index === 0;
    this.#posted = posted;
  }

  async toEnd(): Promise<void> {
    try {
      await this.#complete();
    } catch (error) {
      if (this.#isOver(error)) return;
      if (!(error instanceof AppError))
        this.#ports.log.error(`task ${this.#live.id}: ${trace(error)}`);
      const isCancel = error instanceof AppError && error.code === "cancelled";
      this.#edit((run) => {
        run.state = isCancel ? "cancelled" : "failed";
        run.error = wording(error);
      });
    }
    await this.#live.written();
  }

  get #run(): Run {
    const run = this.#live.draft.runs[this.#index];
    if (!run) throw new Error(`task ${this.#live.id} has no run ${this.#index}`);
    return run;
  }

  #edit(change: (run: Run) => void): void {
    this.#live.editRun(this.#index, change);
  }

  /** The work goes on elsewhere, or after the next start. A deleted task still has to let go. */
  #isOver(error: unknown): boolean {
    if (error instanceof Error && error.name === "AbortError") return true;
    return this.#live.isLost;
  }

  /** Before every step: nothing is done for a task that may be somebody else's. */
  #check(): void {
    if (this.#live.leave.aborted || !this.#ports.mayWork()) {
      throw new DOMException("another server may have taken the task over", "AbortError");
    }
  }

  /** What was wanted elsewhere while this run was away must not be posted again. */
  async #beforePost(): Promise<void> {
    this.#check();
    if (this.#isFresh) this.#isFresh = false;
    else await this.#ports.lookForWishes();
    this.#check();
  }

  async #complete(): Promise<void> {
    for (let attempt = 1; attempt <= attemptsPerRun; attempt += 1) {
      this.#check();
      const at = this.#run.at ?? (await this.#place());
      const backend = this.#backend(at);
      const graph = await this.#graph(backend, at, attempt);
      this.#check();
      const outcome = await backend.run({
        promptId: this.#run.promptId,
        graph,
        outputs: this.#live.recipe.outputs,
        resume: this.#look,
        signal: this.#live.signal,
        leave: this.#live.leave,
        before: () => this.#beforePost(),
        previews: this.#ports.isWatched(this.#live.id),
        onPosted: this.#posted,
        onStatus: (status) => this.#onStatus(status),
        onPreview: ({ bytes, mimeType }) => {
          const frame = (this.#live.preview?.frame ?? 0) + 1;
          const preview = { bytes, mimeType, frame, picture: this.#index + 1 };
          this.#live.preview = preview;
          this.#ports.previewed(this.#live, preview);
        },
      });
      this.#look = false;
      if (outcome.kind === "completed") {
        if (await this.#collect(backend, outcome)) return;
      } else refuse(outcome);
      await this.#again(outcome);
    }
    throw new AppError(
      "lost",
      `ComfyUI lost this run ${attemptsPerRun} times (it restarted, or its output files vanished). Look at its log, then ask for the picture again.`,
    );
  }

  /** The id of a run that ended is used up; one that ComfyUI lost may be placed anew. */
  async #again(outcome: Outcome): Promise<void> {
    this.#ports.log.info(`task ${this.#live.id}: making run ${this.#run.promptId} again`);
    if (outcome.kind !== "completed") return;
    // The file ComfyUI's cache points to is gone, or a socket gap swallowed the picture.
    this.#edit((run) => {
      run.promptId = randomUUID();
    });
    await this.#live.written();
  }

  async #place(): Promise<Placement> {
    const { pool } = this.#ports;
    const { recipe, signal } = this.#live;
    const placed = await pool.placeWhenBack(
      (info) => choicesOn(recipe, info),
      (status) => this.#onStatus(status),
      signal,
    );
    if (!placed) {
      throw new AppError(
        "not_ready",
        "No ComfyUI has the nodes and model files of this picture any more. list_workflows says what is missing.",
      );
    }
    const at: Placement = { backend: placed.backend.url, choices: placed.choices };
    this.#edit((run) => {
      run.at = at;
    });
    // On record before the POST: whoever takes the task over must know where to look.
    await this.#live.written();
    return at;
  }

  #backend(at: Placement): Backend {
    const backend = this.#ports.pool.of(at.backend);
    if (backend) return backend;
    throw new AppError(
      "lost",
      `It was given to the ComfyUI at ${at.backend}, which this server does not use. Add it with --comfyui-url, or ask again.`,
    );
  }

  #onStatus(status: RunStatus): void {
    this.#live.board.report(this.#run.promptId, status);
    if (status.phase === "running" && this.#run.state === "queued") {
      this.#edit((run) => {
        run.state = "running";
      });
    }
    this.#ports.progressed(this.#live);
  }

  async #graph(backend: Backend, at: Placement, attempt: number): Promise<Graph> {
    const { recipe, draft } = this.#live;
    const { seed, prompt, negativePrompt } = this.#run;
    const values: Record<string, Value> = {};
    if (seed !== undefined) values["seed"] = seed;
    if (prompt !== undefined) values["prompt"] = prompt;
    if (negativePrompt !== undefined) values["negative_prompt"] = negativePrompt;
    // A run that may be in ComfyUI already must be looked for, not given up here.
    const { leave, signal } = this.#live;
    const until = this.#look ? leave : AbortSignal.any([leave, signal]);
    for (const [parameter, { sha256, mimeType }] of Object.entries(draft.uploads)) {
      this.#check();
      values[parameter] = await backend.upload(
        `${sha256.slice(0, 32)}.png`,
        sha256,
        () => this.#ports.images.readInput(sha256, mimeType),
        (status) => this.#onStatus(status),
        until,
      );
    }
    return shapeOutputs(graphOf(recipe, values, at.choices), recipe.outputs, {
      bySocket: this.#ports.deliverBySocket,
      attempt,
    });
  }

  /** False when a picture that was made cannot be had. */
  async #collect(
    backend: Backend,
    outcome: Extract<Outcome, { kind: "completed" }>,
  ): Promise<boolean> {
    const pictures = await this.#fetch(backend, outcome);
    if (!pictures) return false;
    if (pictures.length === 0) {
      if (this.#ports.deliverBySocket && !outcome.blocked) return false;
      const why = outcome.blocked ? `: ${quote(outcome.blocked)}` : " and reported no error";
      throw new ExecutionFailedError(`ComfyUI ended the run without a picture${why}.`);
    }
    const { draft, recipe } = this.#live;
    const images: ImageRecord[] = [];
    const notes: string[] = [];
    for (const [file, bytes] of pictures.entries()) {
      this.#check();
      const id = imageIdFor(draft, this.#run, file);
      const kept = await keepPicture(this.#ports.images, draft, id, bytes);
      images.push({
        ...kept.record,
        ...(this.#run.seed === undefined ? {} : { seed: this.#run.seed }),
      });
      notes.push(...kept.notes);
    }
    this.#live.editRun(this.#index, (run, task) => {
      run.images = images;
      run.state = "completed";
      if (recipe.outputs.some((id) => outcome.cached.has(id))) run.cached = true;
      task.warnings.push(...notes.filter((note) => !task.warnings.includes(note)));
    });
    return true;
  }

  async #fetch(
    backend: Backend,
    outcome: Extract<Outcome, { kind: "completed" }>,
  ): Promise<Buffer[] | undefined> {
    const pictures: Buffer[] = [];
    for (const id of this.#live.recipe.outputs) {
      pictures.push(...(outcome.images[id] ?? []));
      for (const file of imageFiles(outcome.outputs[id])) {
        const bytes = await backend.persist(
          () => backend.fetchFile(file),
          (status) => this.#onStatus(status),
          this.#live.leave,
        );
        if (!bytes) return undefined;
        pictures.push(bytes);
      }
    }
    return pictures;
  }
}

/** Throws for every outcome after which the run is not simply posted again. */
function refuse(outcome: Exclude<Outcome, { kind: "completed" }>): void {
  switch (outcome.kind) {
    case "failed":
      throw outcome.error;
    case "interrupted":
      throw new AppError("cancelled", "ComfyUI stopped the run.");
    case "gone":
      if (!outcome.removed) return;
      throw new AppError("cancelled", "Somebody removed the run from ComfyUI's queue.");
  }
}

function wording(error: unknown): { code: AppError["code"]; message: string } {
  if (error instanceof PromptRejectedError && error.missingChoice) {
    return {
      code: error.code,
      message: `${error.message} If it names a model file, that file is not on the ComfyUI machine (any more).`,
    };
  }
  if (error instanceof AppError) return { code: error.code, message: error.message };
  return {
    code: "execution_failed",
    message: `Something unexpected happened: ${messageOf(error)}`,
  };
}

function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
