import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { Availability } from "./availability.ts";
import { type Capabilities, capabilitiesOf } from "./capabilities.ts";
import { ComfyClient } from "./client.ts";
import { ComfyUnreachableError, PromptRejectedError } from "./errors.ts";
import { Watch, type WatchPorts } from "./following.ts";
import type { Found } from "./lookup.ts";
import { Lookups } from "./lookups.ts";
import { NodeCatalogue } from "./node-catalogue.ts";
import type { Outcome, RunStatus } from "./outcome.ts";
import { defaultPatience, givenUp, type Patience } from "./patience.ts";
import type { Graph, ObjectInfo, OutputFile, SocketMessage } from "./protocol.ts";
import { QueueWatch } from "./queue-places.ts";
import { ComfySocket } from "./socket.ts";
import type { ComfyTarget } from "./target.ts";

const postAttempts = 3;
/** An answer may come after the first events of its run, but not long after. */
const lateAnswerMs = 2_000;

/** What a cancel did. `unknown`: ComfyUI has no such prompt. */
export type Cancelled = "removed_from_queue" | "interrupted" | "already_finished" | "unknown";

export interface RunRequest {
  promptId: string;
  graph: Graph;
  /** The prompt may have been posted before (by an earlier process): look before posting. */
  resume?: boolean;
  /** Aborted when the run is not wanted any more: it is then kept from ComfyUI, or stopped there. */
  signal?: AbortSignal;
  outputs?: readonly string[];
  guard?: () => void;
  previews?: boolean;
  onPreview?(preview: { bytes: Buffer; mimeType: string }): void;
  onStatus(status: RunStatus): void;
  /** ComfyUI has it now. */
  onPosted?(): void;
}

export interface BackendOptions {
  patience?: Patience;
  /** A queue that stands this long with nothing running is called stalled. */
  stalledAfterMs?: number;
}

/** One ComfyUI server: its HTTP client, its one socket, and the runs followed on it. */
export class Backend {
  /** Its URL without credentials, or its name: what tasks are recorded under. */
  readonly url: string;
  readonly client: ComfyClient;
  readonly #socket: ComfySocket;
  readonly #log: Log;
  readonly #clientId = randomUUID();
  readonly #watches = new Map<string, Watch>();
  readonly #queueWatch: QueueWatch;
  readonly #lookups: Lookups;
  readonly #availability: Availability;
  readonly #patience: Patience;
  readonly #closing = new AbortController();
  #capabilities: Capabilities | undefined;
  readonly #catalogue: NodeCatalogue;

  constructor(target: ComfyTarget, log: Log, options: BackendOptions = {}) {
    this.#patience = options.patience ?? defaultPatience;
    this.url = target.name ?? target.url;
    this.#log = log;
    setMaxListeners(0, this.#closing.signal);
    this.client = new ComfyClient(target);
    this.#catalogue = new NodeCatalogue(this.client);
    this.#lookups = new Lookups(this.client, () => this.capabilities());
    this.#availability = new Availability(() => this.client.systemStats(), this.#closing.signal);
    this.#queueWatch = new QueueWatch(this.client, this.#watches, options.stalledAfterMs);
    this.#socket = new ComfySocket(
      target,
      this.#clientId,
      {
        message: (message) => this.#route(message),
        image: (metadata, bytes) =>
          this.#watches.get(metadata.prompt_id)?.addImage(metadata.display_node_id, bytes),
        connected: () => {
          // A restarted server may be another version with other models.
          this.#capabilities = undefined;
          this.forgetObjectInfo();
          for (const watch of this.#watches.values()) watch.connected();
        },
        disconnected: () => {
          for (const watch of this.#watches.values()) watch.disconnected();
        },
      },
      log,
    );
  }

  /** Throws `ComfyUnreachableError` within 3 s when this is not a ComfyUI that answers. */
  async ready(): Promise<Capabilities> {
    const capabilities = await this.capabilities();
    await this.#socket.open().catch((error) => {
      this.#log.warn(
        `ComfyUI at ${this.url} answers HTTP but not the WebSocket (${messageOf(error)}); progress will be coarse.`,
      );
    });
    return capabilities;
  }

  async capabilities(): Promise<Capabilities> {
    if (this.#capabilities && this.#socket.isOpen) return this.#capabilities;
    const stats = await this.client.systemStats();
    this.#capabilities = capabilitiesOf(stats.system.comfyui_version);
    return this.#capabilities;
  }

  objectInfo(maxAgeMs?: number): Promise<ObjectInfo> {
    return this.#catalogue.read(maxAgeMs);
  }

  /** What is installed there may have changed: the next to ask reads it anew. */
  forgetObjectInfo(): void {
    this.#catalogue.forget();
  }

  /**
   * Posts the graph (unless ComfyUI already has it) and follows it to its outcome. Rejects with
   * `PromptRejectedError` when ComfyUI refuses it, and with an `AbortError` on `close()`.
   */
  async run(request: RunRequest): Promise<Outcome> {
    const ports: WatchPorts = {
      lookup: (promptId) => this.lookup(promptId),
      socketIsOpen: () => this.#socket.isOpen,
      suspectDeafSocket: () => this.#reopenSocket(),
      bytesRead: () => this.#socket.bytesRead,
      stillPending: () => this.#queueWatch.poke(),
      cancelAgain: () => {
        this.cancel(request.promptId).catch((error) => this.#log.debug(messageOf(error)));
      },
      onStatus: request.onStatus,
    };
    const watch = new Watch(request.promptId, request.graph, ports, this.#patience);
    this.#watches.set(request.promptId, watch);
    const want = () => watch.wantCancel();
    request.signal?.addEventListener("abort", want, { once: true });
    if (request.signal?.aborted) want();
    try {
      const posted = await this.#bring(request, watch);
      watch.posted(posted);
      request.onPosted?.();
      this.#queueWatch.poke();
      if (watch.cancelWanted) watch.check();
      return await watch.outcome;
    } finally {
      request.signal?.removeEventListener("abort", want);
      watch.stop();
      this.#watches.delete(request.promptId);
    }
  }

  lookup(promptId: string): Promise<Found> {
    return this.#lookups.find(promptId);
  }

  /** Stops this prompt and no other. For a running one this is the signal; its end comes later. */
  async cancel(promptId: string): Promise<Cancelled> {
    const watch = this.#watches.get(promptId);
    watch?.wantCancel();
    const found = await this.lookup(promptId);
    if (found.kind === "gone") return "unknown";
    if (found.kind !== "pending" && found.kind !== "running") return "already_finished";
    const { jobCancel } = await this.capabilities();
    if (jobCancel) await this.client.cancelJob(promptId);
    else if (found.kind === "pending") await this.client.deleteFromQueue(promptId);
    else await this.client.interrupt(promptId);
    watch?.cancelSent();
    const after = await this.lookup(promptId);
    if (after.kind === "running" && found.kind === "pending" && !jobCancel) {
      // It started between the look and the delete.
      await this.client.interrupt(promptId);
    }
    watch?.check();
    if (after.kind === "gone") return "removed_from_queue";
    return after.kind === "completed" || after.kind === "failed"
      ? "already_finished"
      : "interrupted";
  }

  /** Undefined when ComfyUI no longer has the file. One broken transfer is made good. */
  async fetchFile(file: OutputFile): Promise<Buffer | undefined> {
    try {
      return await this.client.view(file);
    } catch (error) {
      this.#log.debug(`${file.filename} was cut on its way (${messageOf(error)}); asking again`);
      return this.client.view(file);
    }
  }

  async upload(
    sha256: string,
    read: () => Promise<Buffer>,
    onStatus: (status: RunStatus) => void,
    { signal, throughCancel }: { signal: AbortSignal; throughCancel: boolean },
  ): Promise<string> {
    const bytes = await read();
    return this.persist(
      () => this.client.uploadImage(`${sha256.slice(0, 32)}.png`, bytes, "comfy-easel"),
      onStatus,
      throughCancel ? undefined : signal,
    );
  }

  /** Stops following these prompts, which go on: somebody else follows them. */
  abandon(promptIds: readonly string[]): void {
    const reason = new DOMException("followed by another server", "AbortError");
    for (const promptId of promptIds) this.#watches.get(promptId)?.abandon(reason);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const watch of this.#watches.values()) watch.abandon(this.#closing.signal.reason);
    this.#queueWatch.close();
    await this.#socket.close();
    await this.client.close();
  }

  /** Sees to it that ComfyUI has the prompt; false when it had it before. */
  async #bring(request: RunRequest, watch: Watch): Promise<boolean> {
    const isKnown = () =>
      Promise.race([
        this.persist(
          async () => (await this.lookup(request.promptId)).kind !== "gone",
          (status) => watch.report(status),
        ),
        watch.abandoned,
      ]);
    if (request.resume && (await isKnown())) return false;
    for (let attempt = 1; ; attempt += 1) {
      if (watch.cancelWanted) throw new AppError("cancelled", "Cancelled before it started.");
      const failure = await this.#answerOrEvents(request, watch);
      if (failure === undefined) return true;
      if (failure instanceof PromptRejectedError) throw failure;
      // Accepted or not? Only the answer may have been lost.
      if (await isKnown()) return true;
      if (attempt === postAttempts) throw failure;
    }
  }

  /** Undefined when ComfyUI has the prompt, else what the POST failed with. */
  async #answerOrEvents(request: RunRequest, watch: Watch): Promise<unknown> {
    const answer = this.#post(request).then(
      () => undefined,
      (error: unknown) => error,
    );
    // The outputs that were dropped are told by the answer alone, however late it is.
    const rejected = answer.then((error) => {
      if (error instanceof PromptRejectedError) watch.abandon(error);
      return error;
    });
    const enough = new AbortController();
    // The run is heard of: it was accepted, whatever has become of the answer.
    const heard = watch.heard.then(() =>
      delay(lateAnswerMs, undefined, { signal: enough.signal }).catch(() => rejected),
    );
    try {
      return await Promise.race([rejected, heard]);
    } finally {
      enough.abort();
    }
  }

  async #post(request: RunRequest): Promise<void> {
    await this.ready();
    const response = await this.client.queuePrompt({
      prompt: request.graph,
      prompt_id: request.promptId,
      client_id: this.#clientId,
    });
    if (Object.keys(response.node_errors ?? {}).length === 0) return;
    await this.cancel(request.promptId);
    throw PromptRejectedError.fromDropped(response.node_errors);
  }

  /**
   * Does `work` again and again while ComfyUI cannot be reached, at most until it is given up as
   * lost, or until `cancel` is aborted. Other errors are the caller's; `close()` ends it with an `AbortError`.
   */
  async persist<T>(
    work: () => Promise<T>,
    onStatus: (status: RunStatus) => void,
    cancel?: AbortSignal,
  ): Promise<T> {
    const since = new Date();
    for (;;) {
      if (cancel?.aborted) throw new AppError("cancelled", "Cancelled before it started.");
      const waitedMs = Date.now() - since.getTime();
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ComfyUnreachableError)) throw error;
        if (waitedMs >= this.#patience.lostAfterMs) throw givenUp(since, error);
        onStatus({ phase: "waiting", since, reason: error.message });
      }
      await this.#availability.whenBack(this.#patience.lostAfterMs - waitedMs, cancel);
    }
  }

  #route(message: SocketMessage): void {
    if (message.type === "status") return this.#queueWatch.poke();
    const promptId: unknown = Reflect.get(message.data, "prompt_id");
    if (typeof promptId === "string") this.#watches.get(promptId)?.apply(message);
  }

  #reopenSocket(): void {
    this.#log.info(`the socket to ${this.url} is silent while runs end; opening it anew`);
    this.#socket.reopen().catch((error) => this.#log.debug(messageOf(error)));
  }
}
