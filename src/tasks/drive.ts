import { randomUUID } from "node:crypto";
import type { Backend } from "../comfy/backend.ts";
import type { Outcome, RunStatus } from "../comfy/outcome.ts";
import { AppError } from "../errors.ts";
import type { Ask } from "./ask.ts";
import { collect } from "./collect.ts";
import type { DrivePorts } from "./drive-ports.ts";
import type { LiveTask } from "./live-task.ts";
import { extrasOf, graphAt, sendInputs } from "./posting.ts";
import { numberFor, rankOf } from "./priority.ts";
import { refuse, trace, wording } from "./run-errors.ts";
import { Tape } from "./tape.ts";
import type { Placement, Run } from "./task.ts";
import type { Ticket } from "./ticket.ts";

/** Making a lost run again must end some day. */
const attemptsPerRun = 4;
/** Who waited longer for a place may have been cancelled through another server meanwhile. */
const freshMs = 1_000;

/** One run on its way to its end. */
export class Drive {
  readonly #ports: DrivePorts;
  readonly #live: LiveTask;
  readonly #index: number;
  readonly #posted: () => void;
  /** ComfyUI may have it already. */
  #look: boolean;
  /** Nobody can have wanted anything of it yet. */
  #isFresh: boolean;
  #turn: Ticket["turn"];
  /** Of a graph that was handed in. */
  #tape: Tape | undefined;

  constructor(
    ports: DrivePorts,
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
      await this.#tape?.settled();
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

  get #signal(): AbortSignal {
    return this.#live.signalOf(this.#index);
  }

  #edit(change: (run: Run) => void): void {
    this.#live.editRun(this.#index, change);
  }

  /** The work goes on elsewhere, or after the next start. A deleted task still has to let go. */
  #isOver(error: unknown): boolean {
    if (error instanceof Error && error.name === "AbortError") return true;
    return this.#live.isLost;
  }

  readonly #onStatus = (status: RunStatus): void => {
    this.#live.board.report(this.#run.promptId, status);
    if (status.phase === "running" && this.#run.state === "queued") {
      this.#edit((run) => {
        run.state = "running";
      });
    }
    this.#ports.progressed(this.#live);
  };

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
    for (let attempt = 1; attempt <= attemptsPerRun; ) {
      this.#check();
      const ticket = await this.#ticket();
      const outcome = await this.#outcomeOn(ticket, attempt);
      this.#look = false;
      // It cannot have run there: another id, so that nothing is mistaken for it.
      if (!outcome) await this.#unplace(randomUUID());
      else if (await this.#isDone(ticket, outcome)) return;
      else {
        await this.#again(outcome);
        attempt += 1;
      }
    }
    throw new AppError(
      "lost",
      `ComfyUI lost this run ${attemptsPerRun} times (it restarted, or its output files vanished). Look at its log, then ask for the picture again.`,
    );
  }

  async #isDone({ at }: Ticket, outcome: Outcome): Promise<boolean> {
    if (outcome.kind !== "completed") {
      refuse(outcome);
      return false;
    }
    if (this.#tape) return this.#tape.finish(outcome);
    return collect(this.#live, this.#index, this.#backend(at), outcome, {
      ...this.#ports,
      check: () => this.#check(),
      onStatus: this.#onStatus,
    });
  }

  /** Undefined when the run is to be placed anew. */
  async #outcomeOn(ticket: Ticket, attempt: number): Promise<Outcome | undefined> {
    let outcome: Outcome | undefined;
    try {
      outcome = await this.#runOn(ticket, attempt);
      return outcome;
    } catch (error) {
      const isUnwanted = this.#live.leave.aborted || this.#signal.aborted;
      if (!ticket.moved.aborted || isUnwanted) throw error;
      return undefined;
    } finally {
      ticket.end(outcome);
    }
  }

  async #runOn(ticket: Ticket, attempt: number): Promise<Outcome> {
    const backend = this.#backend(ticket.at);
    const { images, handOver, deliverBySocket: bySocket } = this.#ports;
    const leave = handOver.mayMove
      ? AbortSignal.any([this.#live.leave, ticket.moved])
      : this.#live.leave;
    const onStatus = (status: RunStatus) => {
      this.#onStatus(status);
      ticket.status(status);
    };
    const graphWith = (uploaded?: Awaited<ReturnType<typeof sendInputs>>) =>
      graphAt(this.#live, this.#run, ticket.at, { bySocket, attempt }, uploaded);
    const whole = async () => {
      const until = AbortSignal.any([leave, this.#signal]);
      const sending = { images, onStatus, until, check: () => this.#check() };
      return graphWith(await sendInputs(this.#live, backend, sending));
    };
    this.#tape = this.#tapeFor(backend);
    return backend.run({
      promptId: this.#run.promptId,
      graph: graphWith(),
      ...(Object.keys(this.#live.draft.uploads).length > 0 && { whole }),
      outputs: this.#live.recipe.outputs,
      resume: this.#look,
      signal: this.#signal,
      leave,
      before: async () => {
        await this.#beforePost();
        ticket.posting();
      },
      number: numberFor(this.#live.draft),
      previews: this.#ports.wantsPreviews(this.#live.id),
      onPosted: () => {
        this.#live.wasPosted();
        this.#posted();
      },
      extras: extrasOf(this.#live),
      onFrame: (frame) => this.#tape?.add(frame),
      onStatus,
      onPreview: ({ bytes, mimeType }) => {
        const frame = (this.#live.preview?.frame ?? 0) + 1;
        this.#live.preview = { bytes, mimeType, frame, picture: this.#index + 1 };
        this.#ports.previewed(this.#live, this.#live.preview);
      },
    });
  }

  #tapeFor(backend: Backend): Tape | undefined {
    if (!this.#live.recipe.extraData) return undefined;
    const { images, files } = this.#ports;
    return new Tape(this.#live, this.#index, {
      images,
      files,
      fetch: (file) =>
        backend.persist(() => backend.fetchFile(file), this.#onStatus, this.#live.leave),
      check: () => this.#check(),
      tell: (frame) => this.#ports.framed(this.#live, frame),
    });
  }

  /** The id of a run that ended is used up; one that ComfyUI lost may be placed anew. */
  async #again(outcome: Outcome): Promise<void> {
    const { log, handOver } = this.#ports;
    log.info(`task ${this.#live.id}: making run ${this.#run.promptId} again`);
    // The file ComfyUI's cache points to is gone, or a socket gap swallowed the picture.
    if (outcome.kind === "completed") return this.#renew(randomUUID());
    if (handOver.mayMove) await this.#unplace(this.#run.promptId);
  }

  async #renew(promptId: string): Promise<void> {
    this.#edit((run) => {
      run.promptId = promptId;
    });
    await this.#live.written();
  }

  async #unplace(promptId: string): Promise<void> {
    this.#edit((run) => {
      delete run.at;
      run.state = "queued";
    });
    await this.#renew(promptId);
  }

  async #ticket(): Promise<Ticket> {
    const { handOver } = this.#ports;
    const { leave, draft } = this.#live;
    const ask: Ask = {
      live: this.#live,
      promptId: this.#run.promptId,
      priority: rankOf(draft),
      turn: this.#turn,
      signals: [leave, this.#signal],
      onStatus: this.#onStatus,
    };
    const { at } = this.#run;
    if (at) {
      this.#backend(at);
      const ticket = handOver.adopt(ask, at, this.#look);
      if (ticket) return ticket;
    }
    // Its place is on record before it is posted, so it was not.
    this.#look = false;
    const since = performance.now();
    const ticket = await handOver.place(ask);
    this.#turn = ticket.turn;
    if (performance.now() - since > freshMs) this.#isFresh = false;
    this.#edit((run) => {
      run.at = ticket.at;
    });
    // On record before the POST: whoever takes the task over must know where to look.
    await this.#live.written();
    return ticket;
  }

  #backend(at: Placement): Backend {
    const backend = this.#ports.pool.of(at.backend);
    if (backend) return backend;
    throw new AppError(
      "lost",
      `It was given to the ComfyUI at ${at.backend}, which this server does not use. Add it with --comfyui-url, or ask again.`,
    );
  }
}
