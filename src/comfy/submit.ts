import { backOff, pause } from "../back-off.ts";
import { cancelled } from "../errors.ts";
import type { ComfyClient } from "./client.ts";
import { ComfyUnreachableError, PromptRejectedError } from "./errors.ts";
import type { Following } from "./following.ts";
import type { Found } from "./found.ts";
import { givenUp, type Patience } from "./patience.ts";
import type { Graph, PromptRequest } from "./protocol.ts";
import type { Retries } from "./retries.ts";
import type { PromptExtras, RunRequest } from "./run-request.ts";
import { refuseAborted } from "./signals.ts";

/** An answer may come after the first events of its run, but not long after. */
const lateAnswerMs = 2_000;

export interface SubmitPorts {
  client: ComfyClient;
  clientId: string;
  patience: Patience;
  retries: Retries;
  backend: {
    ready(): Promise<unknown>;
    lookup(promptId: string): Promise<Found>;
    cancel(promptId: string): Promise<unknown>;
  };
}

/** Brings one prompt to ComfyUI, once, whatever becomes of requests and answers on their way. */
export class Submit {
  readonly #request: RunRequest;
  readonly #following: Following;
  /** Aborted when the run is let go of, not when it is cancelled. */
  readonly #leave: AbortSignal;
  readonly #ports: SubmitPorts;
  #graph: Graph | undefined;

  constructor(request: RunRequest, following: Following, leave: AbortSignal, ports: SubmitPorts) {
    this.#request = request;
    this.#following = following;
    this.#leave = leave;
    this.#ports = ports;
  }

  /**
   * Sees to it that ComfyUI has the prompt; false when it had it before. Rejects with
   * `PromptRejectedError` when ComfyUI refuses it, with `cancelled` when it was cancelled first.
   */
  async bring(): Promise<boolean> {
    const request = this.#request;
    if (request.resume && (await this.#isKnown())) return false;
    const since = new Date();
    for (const waits = backOff(this.#ports.patience.retryMs); ; ) {
      await this.#persist(() => this.#ports.backend.ready(), request.signal);
      this.#refuseUnwanted();
      this.#graph ??= (await request.whole?.()) ?? request.graph;
      this.#refuseUnwanted();
      const failure = await this.#answerOrEvents();
      if (failure === undefined) return true;
      if (!(failure instanceof ComfyUnreachableError)) throw failure;
      this.#following.report({ phase: "waiting", since, reason: failure.message });
      // Accepted or not? Only the answer may have been lost.
      if (await this.#isKnown()) return true;
      if (Date.now() - since.getTime() >= this.#ports.patience.lostAfterMs) {
        throw givenUp(since, failure);
      }
      await pause(waits.next().value, request.signal);
    }
  }

  #refuseUnwanted(): void {
    refuseAborted(this.#request.signal);
    // Cancelled by whoever knows its id, not by its signal.
    if (this.#following.cancelWanted) throw cancelled("Cancelled before it started.");
  }

  /** A cancel does not end this: a prompt that may be in ComfyUI already must be found. */
  #isKnown(): Promise<boolean> {
    const { promptId } = this.#request;
    return this.#persist(
      async () => (await this.#ports.backend.lookup(promptId)).kind !== "gone",
      this.#leave,
    );
  }

  #persist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#ports.retries.persist(work, (status) => this.#following.report(status), signal);
  }

  /** Undefined when ComfyUI has the prompt, else what the POST failed with. */
  async #answerOrEvents(): Promise<unknown> {
    const answer = this.#post().then(
      () => undefined,
      (error: unknown) => error,
    );
    // The outputs that were dropped are told by the answer alone, however late it is.
    const rejected = answer.then((error) => {
      if (error instanceof PromptRejectedError) this.#following.abandon(error);
      return error;
    });
    let late: NodeJS.Timeout | undefined;
    let isAnswered = false;
    // The run is heard of: it was accepted, whatever has become of the answer.
    const heard = this.#following.heard.then(
      () =>
        new Promise<undefined>((resolve) => {
          if (!isAnswered) late = setTimeout(() => resolve(undefined), lateAnswerMs);
        }),
    );
    try {
      return await Promise.race([rejected, heard]);
    } finally {
      isAnswered = true;
      clearTimeout(late);
    }
  }

  async #post(): Promise<void> {
    const { client, clientId } = this.#ports;
    await this.#request.before?.();
    this.#refuseUnwanted();
    const { promptId, graph, previews, extras, number } = this.#request;
    const request: PromptRequest = {
      prompt: this.#graph ?? graph,
      prompt_id: promptId,
      client_id: clientId,
      ...(number !== undefined && !extras?.front && { number }),
      ...(extras && withExtras(extras)),
    };
    // Since 0.5.0; older servers ignore it.
    if (previews) request.extra_data = { preview_method: "auto", ...extras?.data };
    const response = await client.queuePrompt(request, this.#leave);
    if (Object.keys(response.node_errors ?? {}).length === 0) return;
    // Never let the rest run for the whole: it goes, as soon as ComfyUI can be told.
    await this.#persist(() => this.#ports.backend.cancel(promptId), this.#leave);
    throw PromptRejectedError.fromDropped(response.node_errors);
  }
}

function withExtras({ data, number, front, targets }: PromptExtras): Partial<PromptRequest> {
  return {
    extra_data: data,
    partial_execution_targets: [...targets],
    ...(number !== undefined && { number }),
    ...(front && { front }),
  };
}
