import { ComfyProcess, type ProcessOptions } from "./comfy-process.ts";
import { answerControl } from "./control.ts";
import { Disk, type StoredFile } from "./disk.ts";
import { Faults } from "./faults.ts";
import { Hold } from "./hold.ts";
import type { Request } from "./http/request.ts";
import { defaultMetadata, defaultModels, type Metadata } from "./models.ts";
import type { EmulatorNode, Timing } from "./node.ts";

export interface EmulatorOptions {
  /** 0 takes any free port. */
  port?: number;
  /** 127.0.0.1 unless given. */
  host?: string;
  /** What `/system_stats` says; what the server can do follows it. From 0.3.64 on. */
  version?: string;
  /** Milliseconds per plain node, per sampler step, per model loader. */
  timing?: Partial<Timing>;
  /** Folder -> file names; replaces the default files altogether, so `{}` has no models at all. */
  models?: Record<string, string[]>;
  /** `folder/file` -> what its header says; replaces the default. */
  metadata?: Metadata;
  /** Class names this ComfyUI lacks. */
  withoutNodes?: string[];
  extraNodes?: EmulatorNode[];
  /** The template gallery: file name (`index.json`, `NAME.json`) -> content; none unless given. */
  templates?: Readonly<Record<string, unknown>>;
  /** Answers 401 without that header, as a proxy would, on HTTP and on the WebSocket upgrade. */
  auth?: { header: string; value: string };
  /** Everything lives below it, e.g. "/comfy". */
  pathPrefix?: string;
  /** How many finished prompts are remembered. */
  history?: number;
  /** Serves `/emulator/...`, which steers faults and holds from another process. */
  control?: boolean;
}

export interface RequestRecord {
  method: string;
  path: string;
  body?: unknown;
}

const keptRequests = 10_000;

/** A ComfyUI stand-in: its protocol, its queue, its nodes, and pictures no model made. */
export class Emulator {
  readonly faults = new Faults();
  /** What arrived, newest last. */
  readonly requests: RequestRecord[] = [];
  readonly #disk = new Disk();
  readonly #userdata = new Map<string, StoredFile>();
  readonly #holds: Hold[] = [];
  readonly #queued: string[] = [];
  readonly #options: ProcessOptions;
  readonly #host: string;
  #port = 0;
  #process: ComfyProcess | undefined;
  #lastTurn: Promise<void> = Promise.resolve();

  private constructor(options: EmulatorOptions) {
    const { timing, control = false } = options;
    this.#host = options.host ?? "127.0.0.1";
    this.#options = {
      version: options.version ?? "0.33.0",
      timing: { nodeMs: 0, stepMs: 0, loadMs: 0, ...timing },
      models: options.models ?? defaultModels,
      metadata: options.metadata ?? defaultMetadata,
      withoutNodes: options.withoutNodes ?? [],
      extraNodes: options.extraNodes ?? [],
      auth: options.auth,
      pathPrefix: (options.pathPrefix ?? "").replace(/\/$/, ""),
      history: options.history ?? 10_000,
      disk: this.#disk,
      userdata: this.#userdata,
      templates: new Map(
        Object.entries(options.templates ?? {}).map(([name, data]) => [name, JSON.stringify(data)]),
      ),
      faults: this.faults,
      queued: (promptId) => this.#queued.push(promptId),
      holds: this.#holds,
      intercept: (request, response) => {
        if (control && answerControl(this, request, response)) return true;
        this.#record(request);
        return false;
      },
    };
  }

  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    const emulator = new Emulator(options);
    await emulator.#launch(options.port ?? 0);
    return emulator;
  }

  get url(): string {
    const host = this.#host.includes(":") ? `[${this.#host}]` : this.#host;
    return `http://${host}:${this.#port}${this.#options.pathPrefix}`;
  }

  /** The next runs stop when they reach a node of that class, until released or interrupted. */
  hold(classType: string): Hold {
    const hold = new Hold(classType, () => this.#holds.splice(this.#holds.indexOf(hold), 1));
    this.#holds.push(hold);
    return hold;
  }

  releaseAll(): void {
    for (const hold of [...this.#holds]) hold.release();
  }

  /** Cuts every WebSocket without a closing handshake; the server goes on. */
  dropSockets(): void {
    this.#process?.cutSockets();
  }

  /** Process death and a new process on the same port; only input and output files survive. */
  restart(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#kill();
      await this.#launch(this.#port);
    });
  }

  /** A kill: the port is closed and everything cut, until `restart`. */
  stop(): Promise<void> {
    return this.#inTurn(() => this.#kill());
  }

  close(): Promise<void> {
    return this.stop();
  }

  /** Ids of the prompts that were queued, in their order, over all lives. */
  get queued(): readonly string[] {
    return this.#queued;
  }

  /** As a person saves a workflow in the editor; `name` is below `workflows/`. */
  saveWorkflow(name: string, data: unknown): void {
    const bytes = Buffer.from(typeof data === "string" ? data : JSON.stringify(data));
    this.#userdata.set(`workflows/${name}`, { bytes, modified: new Date() });
  }

  removeWorkflow(name: string): void {
    this.#userdata.delete(`workflows/${name}`);
  }

  outputFiles(): string[] {
    return this.#disk.names("output");
  }

  deleteOutput(name: string): void {
    this.#disk.remove("output", name);
  }

  /** Deaths and launches one after another, whoever asked for them. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#lastTurn.then(change);
    this.#lastTurn = turn.catch(() => {});
    return turn;
  }

  async #kill(): Promise<void> {
    const dying = this.#process;
    this.#process = undefined;
    await dying?.kill();
  }

  async #launch(port: number): Promise<void> {
    const life = new ComfyProcess(this.#options);
    this.#process = life;
    this.#port = await life.listen(port, this.#host);
  }

  #record({ method, path, headers, body }: Request): void {
    if (this.requests.length >= keptRequests) this.requests.shift();
    const isJson = body.length > 0 && !headers["content-type"]?.startsWith("multipart/");
    this.requests.push({ method, path, ...(isJson ? { body: parsed(body) } : {}) });
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return body.toString("utf8");
  }
}
