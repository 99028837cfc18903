import { AppError, messageOf } from "../errors.ts";
import { ExecutionFailedError } from "./errors.ts";
import { Execution } from "./execution.ts";
import type { Found } from "./found.ts";
import type { Outcome, Preview, RunStatus } from "./outcome.ts";
import { givenUp, type Patience } from "./patience.ts";
import type { Graph, SocketMessage } from "./protocol.ts";
import type { RunFrame } from "./run-request.ts";

export interface FollowingPorts {
  lookup(promptId: string): Promise<Found>;
  socketIsOpen(): boolean;
  /** HTTP knew something the open socket should have told. */
  suspectDeafSocket(): void;
  /** Grows while something, perhaps a large picture, arrives on the socket. */
  bytesRead(): number;
  /** A cancel that was wanted has not reached ComfyUI yet, and now it can. */
  cancelAgain(): void;
  /** Asked over HTTP, the run still waits: its place in the queue is worth a look. */
  stillPending(): void;
  onStatus(status: RunStatus): void;
  onPreview(preview: Preview): void;
  onFrame(frame: RunFrame): void;
}

export interface Followed {
  promptId: string;
  graph: Graph;
  /** The nodes whose pictures are the run's results. */
  outputs: readonly string[];
}

/** Follows one prompt from its POST to its outcome, by events, and by HTTP in every doubt. */
export class Following {
  readonly outcome: Promise<Outcome>;
  readonly execution: Execution;
  /** The first event of the prompt has come. */
  readonly heard: Promise<void>;
  status: RunStatus = { phase: "queued" };
  /** We asked for its end: when it is gone, it is gone by us. */
  cancelWanted = false;
  readonly #ports: FollowingPorts;
  /** Nodes whose pictures over the socket are results; all others send previews. */
  readonly #sendsResults: ReadonlySet<string>;
  #hear: () => void = () => {};
  #resolve: (outcome: Outcome) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  readonly #patience: Patience;
  #delayMs: number;
  #posted = false;
  #heard = true;
  #ended = false;
  /** Events may have been missed, so what the rest of them says is not the whole truth. */
  #gap = false;
  #waitedToTheLast = false;
  #asking = false;
  /** Somebody asked to look again while a look was under way. */
  #askAgain = false;
  #cancelReached = false;
  #bytes = 0;
  #unreachableSince: Date | undefined;

  constructor({ promptId, graph, outputs }: Followed, ports: FollowingPorts, patience: Patience) {
    this.#patience = patience;
    this.#delayMs = patience.silentMs.first;
    this.execution = new Execution(promptId, graph);
    this.#sendsResults = new Set(
      outputs.filter((id) => graph[id]?.class_type === "SaveImageWebsocket"),
    );
    this.#ports = ports;
    this.heard = new Promise((resolve) => {
      this.#hear = resolve;
    });
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever waits gets the rejection; a run that ends before anybody waits must not crash us.
    this.outcome.catch(() => {});
  }

  /**
   * From here on silence means something. `heard` is false for a prompt that an earlier process
   * posted: ComfyUI sends its events to that one's client id.
   */
  posted(heard: boolean): void {
    this.#posted = true;
    this.#heard = heard;
    // Without a socket the first events have gone unheard.
    this.#gap ||= !this.#ports.socketIsOpen();
    this.#delayMs = this.#limits().first;
    this.#arm();
  }

  apply(message: SocketMessage): void {
    this.#hear();
    this.#ports.onFrame({ kind: "message", message });
    this.execution.apply(message);
    this.#unreachableSince = undefined;
    this.#delayMs = this.#patience.silentMs.first;
    this.#arm();
    if (this.execution.over) return this.#concludeByEvents();
    if (this.execution.started)
      this.report({ phase: "running", progress: this.execution.progress });
  }

  /** `nodeId` is missing in frames that do not tell whose they are. */
  receive(nodeId: string | undefined, picture: Preview): void {
    if (this.#ended) return;
    const isResult = nodeId !== undefined && this.#sendsResults.has(nodeId);
    this.#ports.onFrame({ kind: "picture", node: nodeId, picture, isResult });
    if (isResult) {
      this.execution.addImage(nodeId, picture.bytes);
    } else this.#ports.onPreview(picture);
  }

  show(frame: RunFrame): void {
    if (!this.#ended) this.#ports.onFrame(frame);
  }

  disconnected(): void {
    this.#waitedToTheLast = !this.#gap && this.#heard && !this.execution.started;
    this.#gap = true;
    this.#delayMs = this.#patience.blindMs.first;
    this.#arm();
  }

  connected(): void {
    if (this.#gap) this.check();
  }

  /** Every event up to the loss of the socket was heard, and its start was not among them. */
  get waitedToTheLast(): boolean {
    return this.#waitedToTheLast;
  }

  wantCancel(): void {
    this.cancelWanted = true;
  }

  cancelSent(): void {
    this.#cancelReached = true;
  }

  report(status: RunStatus): void {
    if (this.#ended) return;
    this.status = status;
    this.#ports.onStatus(status);
  }

  /** Ends the waiting with an error; the prompt itself goes on. */
  abandon(error: unknown): void {
    this.stop();
    this.#reject(error);
  }

  /** Stops following; the prompt itself is left alone. */
  stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  /** Asks ComfyUI now what has become of the prompt. */
  check(): void {
    if (this.#ended || !this.#posted) return;
    if (this.#asking) {
      this.#askAgain = true;
      return;
    }
    this.#asking = true;
    this.#ports
      .lookup(this.execution.promptId)
      .then(
        (found) => this.#learn(found),
        (error) => this.#unreachable(error),
      )
      .finally(() => {
        this.#asking = false;
        this.#arm();
        if (!this.#askAgain) return;
        this.#askAgain = false;
        this.check();
      });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#ended || !this.#posted) return;
    this.#timer = setTimeout(() => {
      if (this.#isReceiving()) return this.#arm();
      this.#delayMs = Math.min(this.#delayMs * 2, this.#limits().last);
      this.check();
    }, this.#delayMs);
    this.#timer.unref();
  }

  /** A picture on its way over the socket is no silence, though no frame of it is whole yet. */
  #isReceiving(): boolean {
    const before = this.#bytes;
    this.#bytes = this.#ports.bytesRead();
    return (
      this.#heard && this.#ports.socketIsOpen() && this.execution.started && this.#bytes > before
    );
  }

  #limits(): { first: number; last: number } {
    const hears = this.#heard && this.#ports.socketIsOpen();
    return hears ? this.#patience.silentMs : this.#patience.blindMs;
  }

  #learn(found: Found): void {
    this.#unreachableSince = undefined;
    if (this.#ended) return;
    const silent = this.#heard && this.#ports.socketIsOpen() && !this.#gap;
    switch (found.kind) {
      case "pending":
      case "running":
        return this.#stillThere(found.kind, silent);
      case "gone":
        return this.#end(
          this.cancelWanted
            ? { kind: "interrupted" }
            : { kind: "gone", removed: silent && !this.execution.started },
        );
      default:
        if (silent && !this.execution.over) this.#ports.suspectDeafSocket();
        return this.#end(this.#outcomeOf(found));
    }
  }

  #stillThere(kind: "pending" | "running", silent: boolean): void {
    if (this.cancelWanted && !this.#cancelReached) this.#ports.cancelAgain();
    if (kind === "pending") {
      // Nothing that was missed can matter: the run has not begun.
      if (this.#heard && this.#ports.socketIsOpen()) this.#gap = false;
      if (this.status.phase !== "queued") this.report({ phase: "queued" });
      return this.#ports.stillPending();
    }
    if (silent && !this.execution.started) this.#ports.suspectDeafSocket();
    this.#gap ||= !this.execution.started;
    this.execution.started = true;
    this.report({ phase: "running", progress: this.execution.progress });
  }

  #unreachable(error: unknown): void {
    this.#gap = true;
    const since = this.#unreachableSince ?? new Date();
    this.#unreachableSince = since;
    if (error instanceof Error && Date.now() - since.getTime() >= this.#patience.lostAfterMs) {
      return this.#end({ kind: "failed", error: givenUp(since, error) });
    }
    this.report({ phase: "waiting", since, reason: messageOf(error) });
  }

  /** `executing {node: null}` came: with every event since the start seen, no question is left. */
  #concludeByEvents(): void {
    const { ending, outputs, cached } = this.execution;
    if (this.#gap || !ending) return this.check();
    if (ending.kind === "success") {
      return this.#end(this.#outcomeOf({ kind: "completed", outputs, cached: [...cached] }));
    }
    if (ending.kind === "interrupted") return this.#end({ kind: "interrupted" });
    this.#end(this.#outcomeOf({ kind: "failed", error: ending.error, cached: [...cached] }));
  }

  #outcomeOf(found: Extract<Found, { kind: "completed" | "failed" | "interrupted" }>): Outcome {
    if (found.kind === "interrupted") return { kind: "interrupted" };
    if (found.kind === "failed") {
      const error = found.error
        ? ExecutionFailedError.fromEvent(found.error)
        : new AppError("execution_failed", "ComfyUI says the run failed and gives no reason.");
      return { kind: "failed", error };
    }
    return {
      kind: "completed",
      outputs: found.outputs,
      images: this.execution.images,
      cached: new Set(found.cached),
      blocked: this.execution.blocked,
      ...(this.execution.timing && !this.#gap ? { timing: this.execution.timing } : {}),
    };
  }

  #end(outcome: Outcome): void {
    if (this.#ended) return;
    this.stop();
    this.#resolve(outcome);
  }
}
