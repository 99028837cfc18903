import { randomUUID } from "node:crypto";
import type { Backend } from "../comfy/backend.ts";
import { ExecutionFailedError, PromptRejectedError, quote } from "../comfy/errors.ts";
import type { Outcome, RunStatus } from "../comfy/outcome.ts";
import { imageFiles } from "../comfy/outputs.ts";
import type { Graph } from "../comfy/protocol.ts";
import { AppError, messageOf } from "../errors.ts";
import { largestResultPixels } from "../images/decoder.ts";
import { inspectImage } from "../images/inspect.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import { bind } from "../workflows/bind.ts";
import { spliceLoras } from "../workflows/loras.ts";
import type { Workflow } from "../workflows/workflow.ts";
import { finishPicture, sizeNote } from "./finish.ts";
import type { ProgressBoard } from "./progress.ts";
import { isTerminal } from "./state.ts";
import { type ImageRecord, imageIdFor, type Run, type Task } from "./task.ts";

/** Making a lost run again must end some day. */
const attemptsPerRun = 4;

/** A task that is being worked on, with what is known of it beyond its record. */
export interface LiveTask {
  task: Task;
  workflow: Workflow;
  board: ProgressBoard;
  /** Aborted when somebody cancels the task. */
  cancel: AbortController;
}

export interface RunnerPorts {
  backend: Backend;
  images: ImageStore;
  log: Log;
  /** Pictures come over the socket and leave no file on the ComfyUI machine. */
  deliverBySocket: boolean;
  /** A run or the task has changed: store it and tell whoever listens. */
  changed(live: LiveTask): Promise<void>;
  progressed(live: LiveTask): void;
}

/** Brings tasks to their end: one ComfyUI prompt per run, all in ComfyUI's own queue. */
export class Runner {
  readonly #ports: RunnerPorts;

  constructor(ports: RunnerPorts) {
    this.#ports = ports;
  }

  /**
   * Resolves when every run has ended. Rejects only on `close()`, which leaves the record as it
   * is. `resume`: an earlier process may have posted these runs, so ComfyUI is asked first.
   */
  async run(live: LiveTask, resume: boolean): Promise<void> {
    let turn = Promise.resolve();
    const drives: Promise<void>[] = [];
    for (const run of live.task.runs.filter((each) => !isTerminal(each.state))) {
      const before = turn;
      // One after another into ComfyUI's queue, so that the pictures come in their order.
      turn = new Promise((posted) => {
        drives.push(before.then(() => this.#drive(live, run, resume, posted)).finally(posted));
      });
    }
    await Promise.all(drives);
  }

  async #drive(live: LiveTask, run: Run, resume: boolean, posted: () => void): Promise<void> {
    try {
      await this.#complete(live, run, resume, posted);
      run.state = "completed";
    } catch (error) {
      if (error instanceof Error && error.name === "AbortError") throw error;
      if (!(error instanceof AppError))
        this.#ports.log.error(`task ${live.task.id}: ${trace(error)}`);
      run.state = error instanceof AppError && error.code === "cancelled" ? "cancelled" : "failed";
      run.error = wording(error);
    }
    await this.#ports
      .changed(live)
      .catch((error) => this.#ports.log.error(`task ${live.task.id}: ${messageOf(error)}`));
  }

  async #complete(live: LiveTask, run: Run, resume: boolean, posted: () => void): Promise<void> {
    let look = resume;
    for (let attempt = 1; attempt <= attemptsPerRun; attempt += 1) {
      const graph = await this.#graph(live, run, attempt, look);
      const outcome = await this.#ports.backend.run({
        promptId: run.promptId,
        graph,
        resume: look,
        cancel: live.cancel.signal,
        onPosted: posted,
        onStatus: (status) => this.#onStatus(live, run, status),
      });
      look = false;
      if (outcome.kind === "completed") {
        if (await this.#collect(live, run, outcome)) return;
        // The file ComfyUI's cache points to is gone, or a socket gap swallowed the picture.
        run.promptId = randomUUID();
        await this.#ports.changed(live);
      } else refuse(outcome);
      this.#ports.log.info(`task ${live.task.id}: making run ${run.promptId} again`);
    }
    throw new AppError(
      "lost",
      `ComfyUI lost this run ${attemptsPerRun} times (it restarted, or its output files vanished). Look at its log, then ask for the picture again.`,
    );
  }

  #onStatus(live: LiveTask, run: Run, status: RunStatus): void {
    live.board.report(run.promptId, status);
    if (status.phase === "running" && run.state === "queued") {
      run.state = "running";
      this.#ports
        .changed(live)
        .catch((error) => this.#ports.log.error(`task ${live.task.id}: ${messageOf(error)}`));
    }
    this.#ports.progressed(live);
  }

  async #graph(live: LiveTask, run: Run, attempt: number, look: boolean): Promise<Graph> {
    const { task, workflow } = live;
    const values: Record<string, unknown> = { ...task.params };
    if (run.seed !== undefined) values["seed"] = run.seed;
    if (task.render) Object.assign(values, task.render);
    if (run.prompt !== undefined) values["prompt"] = run.prompt;
    if (run.negativePrompt !== undefined) values["negative_prompt"] = run.negativePrompt;
    for (const [parameter, input] of Object.entries(task.uploads)) {
      const bytes = await this.#ports.images.readInput(input.sha256, input.mimeType);
      values[parameter] = await this.#ports.backend.persist(
        () =>
          this.#ports.backend.client.uploadImage(
            `${input.sha256.slice(0, 32)}.png`,
            bytes,
            "comfy-easel",
          ),
        (status) => this.#onStatus(live, run, status),
        // A run that may be in ComfyUI already must be looked for, not given up here.
        look ? undefined : live.cancel.signal,
      );
    }
    const bound = bind(workflow, values, task.choices);
    const graph =
      task.loras && workflow.loras ? spliceLoras(bound, workflow.loras, task.loras) : bound;
    for (const id of workflow.outputs) this.#shapeOutput(graph, id, attempt);
    return graph;
  }

  #shapeOutput(graph: Graph, id: string, attempt: number): void {
    const node = graph[id];
    if (node?.class_type !== "SaveImage") return;
    if (this.#ports.deliverBySocket) {
      node.class_type = "SaveImageWebsocket";
      node.inputs = { images: node.inputs["images"] ?? null };
    } else if (attempt > 1) {
      // Another prefix makes the node save anew where ComfyUI would point to its old file.
      node.inputs["filename_prefix"] = `${node.inputs["filename_prefix"]}_${attempt}`;
    }
  }

  /** False when a picture that was made cannot be had. */
  async #collect(
    live: LiveTask,
    run: Run,
    outcome: Extract<Outcome, { kind: "completed" }>,
  ): Promise<boolean> {
    const pictures = await this.#fetch(live, run, outcome);
    if (!pictures) return false;
    if (pictures.length === 0) {
      if (this.#ports.deliverBySocket && !outcome.blocked) return false;
      const why = outcome.blocked ? `: ${quote(outcome.blocked)}` : " and reported no error";
      throw new ExecutionFailedError(`ComfyUI ended the run without a picture${why}.`);
    }
    const images: ImageRecord[] = [];
    for (const [file, bytes] of pictures.entries()) {
      images.push(await this.#keep(live.task, run, file, bytes));
    }
    run.images = images;
    if (live.workflow.outputs.some((id) => outcome.cached.has(id))) run.cached = true;
    return true;
  }

  async #fetch(
    live: LiveTask,
    run: Run,
    outcome: Extract<Outcome, { kind: "completed" }>,
  ): Promise<Buffer[] | undefined> {
    const pictures: Buffer[] = [];
    for (const id of live.workflow.outputs) {
      pictures.push(...(outcome.images[id] ?? []));
      for (const file of imageFiles(outcome.outputs[id])) {
        const bytes = await this.#ports.backend.persist(
          () => this.#ports.backend.fetchFile(file),
          (status) => this.#onStatus(live, run, status),
        );
        if (!bytes) return undefined;
        pictures.push(bytes);
      }
    }
    return pictures;
  }

  async #keep(task: Task, run: Run, file: number, original: Buffer): Promise<ImageRecord> {
    const bytes = await finishPicture(this.#ports.images, task, original);
    const info = await inspectImage(bytes, "the picture from ComfyUI", largestResultPixels);
    const note = sizeNote(task, info);
    if (note !== undefined && !task.warnings.includes(note)) task.warnings.push(note);
    const id = imageIdFor(task, run, file);
    const { sha256 } = await this.#ports.images.putResult(id, bytes, info.mimeType);
    return {
      id,
      mimeType: info.mimeType,
      width: info.width,
      height: info.height,
      bytes: bytes.length,
      hasAlpha: info.hasAlpha,
      sha256,
      ...(run.seed === undefined ? {} : { seed: run.seed }),
    };
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
