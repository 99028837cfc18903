import { randomUUID } from "node:crypto";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Cancelled, Cancels } from "./cancels.ts";
import { type Capabilities, capabilitiesOf } from "./capabilities.ts";
import { type ClientOptions, ComfyClient } from "./client.ts";
import { isRefused } from "./errors.ts";
import { FollowedRuns } from "./followed-runs.ts";
import type { Found } from "./found.ts";
import { Lookup } from "./lookup.ts";
import { NodeCatalogue } from "./node-catalogue.ts";
import type { Outcome, RunStatus } from "./outcome.ts";
import { defaultPatience, type Patience } from "./patience.ts";
import type { ObjectInfo, OutputFile } from "./protocol.ts";
import { QueuePlaces } from "./queue-places.ts";
import { Quiet, type QuietOptions } from "./quiet.ts";
import { Retries } from "./retries.ts";
import type { RunRequest } from "./run-request.ts";
import { ComfySocket, type SocketEvents } from "./socket.ts";
import { type ComfyTarget, nameOf } from "./target.ts";
import { Traffic } from "./traffic.ts";
import { Uploads } from "./uploads.ts";
import { wake } from "./waking.ts";

const defaultStartPatienceMs = 300_000;

export interface BackendOptions extends QuietOptions, ClientOptions {
  patience?: Patience;
  /** A queue that stands this long with nothing running is called stalled. */
  stalledAfterMs?: number;
  /** How long `wake` waits for a ComfyUI that is being started (default 300 s). */
  startPatienceMs?: number | undefined;
  /** Told whenever its node definitions were read, which only work and lists do. */
  nodesRead?: (() => void) | undefined;
}

/** One ComfyUI server: its HTTP client, its one socket, and the runs followed on it. */
export class Backend {
  /** Its URL without credentials, or its name: what tasks are recorded under. */
  readonly url: string;
  readonly client: ComfyClient;
  readonly #socket: ComfySocket;
  readonly #log: Log;
  readonly #clientId = randomUUID();
  readonly #runs: FollowedRuns;
  readonly #places: QueuePlaces;
  readonly #lookup: Lookup;
  readonly #cancels: Cancels;
  readonly #uploads = new Uploads();
  readonly #retries: Retries;
  readonly #traffic: Traffic;
  readonly #quiet: Quiet;
  readonly #patience: Patience;
  readonly #startPatienceMs: number;
  readonly #closing = new AbortController();
  readonly #catalogue: NodeCatalogue;
  #capabilities: Capabilities | undefined;
  #remaining = 0;

  constructor(target: ComfyTarget, log: Log, options: BackendOptions = {}) {
    this.#patience = options.patience ?? defaultPatience;
    this.#startPatienceMs = options.startPatienceMs ?? defaultStartPatienceMs;
    this.url = nameOf(target);
    this.#log = log;
    this.client = new ComfyClient(target, options);
    this.#catalogue = new NodeCatalogue(this.client, options.nodesRead);
    this.#lookup = new Lookup(this.client, () => this.capabilities());
    this.#retries = new Retries(
      () => this.client.systemStats(),
      this.#patience,
      this.#closing.signal,
    );
    this.#runs = new FollowedRuns({
      ...{ client: this.client, clientId: this.#clientId, retries: this.#retries },
      ...{ patience: this.#patience, backend: this, log },
      places: () => this.#places,
      socket: () => this.#socket,
      suspectDeafSocket: () => this.#reopenSocket(),
      began: () => this.#quiet.used(),
      ended: () => this.#quiet.ran(),
    });
    const followings = this.#runs.all;
    this.#cancels = new Cancels({
      ...{ client: this.client, followings },
      capabilities: () => this.capabilities(),
      lookup: (promptId) => this.lookup(promptId),
    });
    this.#places = new QueuePlaces(this.client, followings, options.stalledAfterMs);
    this.#traffic = new Traffic(followings, (remaining) => {
      this.#remaining = remaining;
      this.#places.poke();
    });
    this.#socket = this.#newSocket(target);
    this.#quiet = new Quiet(
      {
        isBusy: () => this.#runs.all.size > 0,
        free: async () => (this.#socket.isOpen ? this.client.freeIfIdle() : undefined),
        rest: () => this.#socket.rest(),
      },
      options,
    );
  }

  /** How many runs are followed here. */
  get runs(): number {
    return this.#runs.all.size;
  }

  /** Prompts that run or wait there, whoever's, as it told when that last changed. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Every event up to the loss of the socket was heard, and the prompt's start was not among them. */
  waitedToTheLast(promptId: string): boolean {
    return this.#runs.all.get(promptId)?.waitedToTheLast ?? false;
  }

  /**
   * "ended": no process listens at its address, so its queue is gone, which ComfyUI keeps in memory
   * alone (`execution.py`, `PromptQueue`).
   */
  presence(): Promise<"here" | "away" | "ended"> {
    return this.client.systemStats().then(
      () => "here",
      (error) => (isRefused(error) ? "ended" : "away"),
    );
  }

  get isConnected(): boolean {
    return this.#socket.isOpen;
  }

  /** ComfyUI's version as it was last told. */
  get version(): string | undefined {
    return this.#capabilities?.version;
  }

  /** Throws `ComfyUnreachableError` within 3 s when this is not a ComfyUI that answers. */
  async ready(): Promise<Capabilities> {
    const capabilities = await this.capabilities();
    await this.#open();
    return capabilities;
  }

  /**
   * As `ready`, but waits for a ComfyUI that is being started, as one that sleeps is by being asked.
   * One that nothing listens for is said at once. Rejects when `signal` is aborted.
   */
  wake(signal?: AbortSignal, withinMs = this.#startPatienceMs): Promise<Capabilities> {
    const ports = {
      ready: () => this.ready(),
      probe: (withinMs: number) => this.client.systemStats(withinMs),
      retryMs: this.#patience.retryMs,
      startPatienceMs: Math.min(withinMs, this.#startPatienceMs),
    };
    return wake(ports, signal);
  }

  async capabilities(): Promise<Capabilities> {
    if (this.#capabilities && this.#socket.isOpen) return this.#capabilities;
    const stats = await this.client.systemStats();
    const capabilities = capabilitiesOf(stats.system.comfyui_version);
    if (this.#capabilities && capabilities.version !== this.#capabilities.version) {
      this.forgetObjectInfo();
    }
    this.#capabilities = capabilities;
    return capabilities;
  }

  objectInfo(maxAgeMs?: number): Promise<ObjectInfo> {
    return this.#catalogue.read(maxAgeMs);
  }

  /** As read last, without asking. */
  get knownObjectInfo(): ObjectInfo | undefined {
    return this.#catalogue.known;
  }

  /** As read last, also where it may have changed since. */
  get lastObjectInfo(): ObjectInfo | undefined {
    return this.#catalogue.last;
  }

  /** What is installed there may have changed: the next to ask reads it anew. */
  forgetObjectInfo(): void {
    this.#catalogue.forget();
  }

  /** See `FollowedRuns.run`; ends at once with an `AbortError` on `close()` too. */
  run(request: RunRequest): Promise<Outcome> {
    return this.#runs.run(request);
  }

  lookup(promptId: string): Promise<Found> {
    return this.#lookup.find(promptId);
  }

  /** Stops this prompt and no other. For a running one this is the signal; its end comes later. */
  cancel(promptId: string): Promise<Cancelled> {
    return this.#cancels.cancel(promptId);
  }

  /**
   * Brings a picture to ComfyUI once, however many runs want it, and waits for a ComfyUI that is
   * away. `read` gives its bytes, whose hash is `sha256`. Returns the value `LoadImage.image` takes.
   */
  upload(
    name: string,
    sha256: string,
    read: () => Promise<Buffer>,
    onStatus: (status: RunStatus) => void,
    signal?: AbortSignal,
  ): Promise<string> {
    const send = async () => this.client.uploadImage(name, await read(), "comfy-easel");
    // The socket first: that it opens anew is how a ComfyUI that may have lost its inputs is known.
    const work = async () => {
      await this.ready();
      return this.#uploads.name(sha256, send);
    };
    return this.persist(work, onStatus, signal);
  }

  /** Undefined when ComfyUI no longer has the file. */
  fetchFile(file: OutputFile): Promise<Buffer | undefined> {
    return this.client.view(file);
  }

  /**
   * Does `work` again and again while ComfyUI cannot be asked, at most until it is given up as
   * lost, or until `signal` is aborted. Other errors are the caller's; `close()` ends it with an
   * `AbortError`.
   */
  persist<T>(
    work: () => Promise<T>,
    onStatus: (status: RunStatus) => void,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#retries.persist(work, onStatus, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#runs.close();
    this.#places.close();
    this.#quiet.close();
    await this.#socket.close();
    await this.client.close();
  }

  #newSocket(target: ComfyTarget): ComfySocket {
    const events: SocketEvents = {
      message: (message) => this.#traffic.message(message),
      picture: (frame) => this.#traffic.picture(frame),
      text: (nodeId, text) => this.#traffic.text(nodeId, text),
      isWanted: () => this.#runs.all.size > 0,
      connected: () => {
        this.#uploads.forget();
        this.#traffic.connected();
      },
      disconnected: (lost) => {
        // A restarted server may be another version with other models.
        if (lost) {
          this.#capabilities = undefined;
          this.forgetObjectInfo();
        }
        this.#remaining = 0;
        this.#traffic.disconnected();
      },
    };
    return new ComfySocket(target, this.#clientId, events, this.#log);
  }

  async #open(): Promise<void> {
    await this.#socket.open().catch((error) => {
      const what = `ComfyUI at ${this.url} answers HTTP but not the WebSocket`;
      this.#log.warn(`${what} (${messageOf(error)}); progress will be coarse.`);
    });
    this.#quiet.used();
  }

  #reopenSocket(): void {
    this.#log.info(`the socket to ${this.url} is silent while runs end: opened anew`);
    this.#socket.reopen().catch((error) => this.#log.debug(messageOf(error)));
  }
}
