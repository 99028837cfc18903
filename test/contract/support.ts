import { randomInt, randomUUID } from "node:crypto";
import { describe, onTestFinished } from "vitest";
import { type RawData, WebSocket } from "ws";
import type { Graph, HistoryEntry, Job, Link, OutputFile } from "../../src/comfy/protocol.ts";
import { Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { faceUrl } from "./face.ts";
import { comfyVersion, isFace, liveUrl } from "./versions.ts";

/** For what only makes sense on the emulator; left out, with the reason, when COMFY_URL is set. */
export function describeEmulator(name: string, tests: () => void): void {
  if (liveUrl === undefined && !isFace) describe(name, tests);
  else if (isFace) describe.skip(`${name} (this is about the emulator, not the face)`, tests);
  else describe.skip(`${name} (COMFY_URL is set: this is about the emulator itself)`, tests);
}

export async function startComfy(options: EmulatorOptions = {}): Promise<Comfy> {
  if (liveUrl !== undefined) return new Comfy(liveUrl);
  if (isFace) return new Comfy(await faceUrl(options));
  const emulator = await Emulator.start({ version: comfyVersion, ...options });
  onTestFinished(() => emulator.close());
  return new Comfy(emulator.url);
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<[Comfy, Emulator]> {
  const emulator = await Emulator.start(options);
  onTestFinished(() => emulator.close());
  return [new Comfy(emulator.url), emulator];
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the server says, a test compares it.
export type Json = any;

export interface Frame {
  type: string;
  data: Json;
  /** Set for a binary frame; `type` is then "binary". */
  bytes?: Buffer;
}

/** A bare client: fetch and one socket at a time, nothing of the product. */
export class Comfy {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url}${path}`, init);
  }

  async json(path: string): Promise<Json> {
    return (await this.fetch(path)).json();
  }

  post(path: string, body?: unknown): Promise<Response> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.fetch(path, { method: "POST", ...(body === undefined ? {} : { body: text }) });
  }

  async submit(prompt: unknown, fields: Record<string, unknown> = {}): Promise<Submitted> {
    const response = await this.post("/prompt", { prompt, ...fields });
    return { status: response.status, body: await response.json() };
  }

  async connect(clientId: string = randomUUID(), flags?: object): Promise<Listener> {
    const address = `${this.url.replace(/^http/, "ws")}/ws?clientId=${clientId}`;
    const listener = new Listener(new WebSocket(address), clientId);
    onTestFinished(() => listener.close());
    await listener.until(({ type }) => type === "status");
    if (flags) {
      listener.send({ type: "feature_flags", data: flags });
      await listener.until(({ type }) => type === "feature_flags");
    }
    return listener;
  }

  /** Runs a graph to its end, whichever it is. */
  async run(
    prompt: Graph,
    fields: Record<string, unknown> = {},
    listener?: Listener,
  ): Promise<Run> {
    const own = listener ?? (await this.connect());
    const promptId = randomUUID();
    const from = own.frames.length;
    const { status, body } = await this.submit(prompt, {
      client_id: own.clientId,
      prompt_id: promptId,
      ...fields,
    });
    if (status !== 200) throw new Error(`refused: ${JSON.stringify(body)}`);
    await own.end(promptId);
    const entry = await this.history(promptId);
    return { promptId, frames: own.frames.slice(from), entry };
  }

  async history(promptId: string): Promise<HistoryEntry> {
    return (await this.json(`/history/${promptId}`))[promptId];
  }

  job(promptId: string): Promise<Job & Json> {
    return this.json(`/api/jobs/${promptId}`);
  }

  view({ filename, subfolder = "", type }: OutputFile, more = ""): Promise<Response> {
    const query = new URLSearchParams({ filename, subfolder, type });
    return this.fetch(`/view?${query}${more}`);
  }

  async upload(
    bytes: Buffer,
    name: string,
    fields: Record<string, string> = {},
  ): Promise<Response> {
    const form = new FormData();
    form.set("image", new Blob([new Uint8Array(bytes)]), name);
    for (const [key, value] of Object.entries(fields)) form.set(key, value);
    return this.fetch("/upload/image", { method: "POST", body: form });
  }
}

export interface Submitted {
  status: number;
  body: Json;
}

export interface Run {
  promptId: string;
  frames: Frame[];
  entry: HistoryEntry;
}

/** One socket and everything it heard. */
export class Listener {
  readonly frames: Frame[] = [];
  readonly clientId: string;
  readonly socket: WebSocket;
  readonly closed: Promise<void>;
  #wake: (() => void)[] = [];

  constructor(socket: WebSocket, clientId: string) {
    this.socket = socket;
    this.clientId = clientId;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.on("message", (raw: RawData, isBinary: boolean) => {
      const bytes = Buffer.isBuffer(raw) ? raw : Buffer.from(raw as ArrayBuffer);
      this.frames.push(
        isBinary ? { type: "binary", data: {}, bytes } : JSON.parse(bytes.toString("utf8")),
      );
      for (const wake of this.#wake.splice(0)) wake();
    });
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The first frame that matches, heard already or to come. */
  async until(matches: (frame: Frame) => boolean, from = 0): Promise<Frame> {
    for (let at = from; ; at += 1) {
      if (at >= this.frames.length) await this.#next();
      const frame = this.frames[at];
      if (frame && matches(frame)) return frame;
    }
  }

  /** The end of a run: its history is written. */
  end(promptId: string): Promise<Frame> {
    return this.until(
      ({ type, data }) => type === "executing" && data.node === null && data.prompt_id === promptId,
    );
  }

  executing(promptId: string, node: string): Promise<Frame> {
    return this.until(
      ({ type, data }) => type === "executing" && data.node === node && data.prompt_id === promptId,
    );
  }

  /** Asks again after every frame; for what no event of this client tells. */
  async untilTrue(check: () => Promise<boolean>): Promise<void> {
    for (;;) {
      const next = this.#next();
      if (await check()) return;
      await next;
    }
  }

  /** Frames about one prompt, without `status`. */
  of(promptId: string): Frame[] {
    return this.frames.filter(({ data }) => data?.prompt_id === promptId);
  }

  close(): void {
    this.socket.close();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }
}

/** Keeps files of different runs of the suite apart. */
export function uniquePrefix(name = "contract"): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** A colour no other test uses, so that nothing comes from the cache by chance. */
export function freshColor(): number {
  return randomInt(0xffffff);
}

export function emptyImage(overrides: Record<string, number> = {}): Graph[string] {
  return {
    class_type: "EmptyImage",
    inputs: { width: 64, height: 48, batch_size: 1, color: freshColor(), ...overrides },
  };
}

export function saveImage(from: Link, prefix = uniquePrefix()): Graph[string] {
  return { class_type: "SaveImage", inputs: { images: from, filename_prefix: prefix } };
}

export function previewImage(from: Link): Graph[string] {
  return { class_type: "PreviewImage", inputs: { images: from } };
}

/** The smallest graph with a result. */
export function tinyGraph(prefix = uniquePrefix()): Graph {
  return { "1": emptyImage(), "2": saveImage(["1", 0], prefix) };
}

/** Per plain node on the emulator, so that `longGraph` lasts there as it does on a CPU. */
export const slowNodes = { timing: { nodeMs: 25 } };

const scalings = 24;

/** Nodes "1" to "25" one after another, each taking its time, then "save". */
export function longGraph(prefix = uniquePrefix()): Graph {
  const graph: Graph = { "1": emptyImage({ width: 512, height: 512 }) };
  for (let node = 2; node <= scalings + 1; node += 1) {
    graph[String(node)] = {
      class_type: "ImageScale",
      inputs: {
        image: [String(node - 1), 0],
        upscale_method: "lanczos",
        width: 2048 + node,
        height: 2048,
        crop: "disabled",
      },
    };
  }
  graph["small"] = {
    class_type: "ImageScale",
    inputs: {
      image: [String(scalings + 1), 0],
      upscale_method: "nearest-exact",
      width: 16,
      height: 16,
      crop: "disabled",
    },
  };
  graph["save"] = saveImage(["small", 0], prefix);
  return graph;
}

export function types(frames: Frame[]): string[] {
  return frames.map(({ type }) => type);
}

export function savedFiles(entry: HistoryEntry, node = "2"): OutputFile[] {
  return (entry.outputs[node]?.["images"] ?? []) as OutputFile[];
}
