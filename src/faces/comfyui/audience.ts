import type { WebSocket } from "ws";
import { features } from "../../as-comfyui/features.ts";
import { previewFrame, previewWithMetadataFrame, textFrame } from "../../as-comfyui/frames.ts";
import { execInfo } from "../../as-comfyui/prompt-request.ts";
import { Sockets } from "../../as-comfyui/sockets.ts";
import { spoken } from "../../as-comfyui/version.ts";
import type { RunFrame } from "../../comfy/run-request.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Studio } from "../../studio/studio.ts";
import type { ToldEvent } from "../../tasks/events.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { PromptRecord, Task } from "../../tasks/task.ts";
import { isInHistory, messagesOf, runOf } from "./map.ts";
import { remaining } from "./prompts.ts";

/** Bytes that may wait for one socket: pictures of a few minutes. */
const mostBuffered = 64 * 1024 * 1024;

/** Told to everybody where a prompt names no client (`execution.py`, `server.py`). */
const forEverybody = new Set(["progress", "progress_state", "execution_interrupted"]);

const mostEnded = 1_000;

interface Following {
  prompt: PromptRecord;
  /** All that ComfyUI told of it has come by here. */
  isWhole: boolean;
  isRunning: boolean;
  told: Set<string>;
  /** A frame of the older kind comes after the step it shows. */
  held?: Buffer | undefined;
}

/** The sockets of one caller and what is told on them, in ComfyUI's own frames. */
export class Audience {
  readonly #studio: Studio;
  readonly #log: Log;
  readonly #sockets: Sockets;
  /** By task. */
  readonly #following = new Map<string, Following>();
  /** By client id, what of its own is executed. */
  readonly #current = new Map<string, { prompt: string; node: string }>();
  /** A record may be written again after its end; the newest of those that were told. */
  readonly #ended = new Set<string>();
  readonly #since = new Date().toISOString();
  #remaining = 0;
  #reading: AbortController | undefined;

  constructor(studio: Studio, log: Log) {
    this.#studio = studio;
    this.#log = log;
    this.#sockets = new Sockets({
      queueInfo: () => execInfo(this.#remaining),
      features: () => features(spoken),
      current: (sid) => this.#currentOf(sid),
      mostBuffered,
    });
  }

  /** Before a socket is taken, so that its first `status` counts what there is. */
  async prepare(): Promise<void> {
    this.#remaining = await remaining(this.#studio);
    for (const task of await this.#studio.prompts.unfinished(1_000)) {
      const status = this.#studio.progress(task.id)?.status;
      this.#follow(task, false);
      const node = status?.phase === "running" ? status.progress.nodeId : undefined;
      if (task.prompt?.clientId !== undefined && node !== undefined) {
        this.#current.set(task.prompt.clientId, { prompt: task.prompt.id, node });
      }
    }
  }

  /** @param left is called when the last socket has gone */
  accept(socket: WebSocket, clientId: string, left: () => void): void {
    this.#sockets.accept(socket, clientId);
    socket.on("close", () => {
      if (this.#sockets.size > 0) return;
      this.#reading?.abort();
      this.#reading = undefined;
      left();
    });
    if (this.#reading) return;
    this.#reading = new AbortController();
    this.#read(this.#reading.signal).catch((error) => {
      this.#log.error(`the sockets of ${this.#studio.caller.name}: ${messageOf(error)}`);
      // Clients come again, and find out what they missed.
      this.#sockets.cutAll();
    });
  }

  #currentOf(sid: string): Record<string, unknown> | undefined {
    const current = this.#current.get(sid);
    if (!current) return undefined;
    return { node: current.node, display_node: current.node, prompt_id: current.prompt };
  }

  async #read(signal: AbortSignal): Promise<void> {
    const events = this.#studio.allEvents({ frames: true, everyMs: 0, signal });
    for await (const event of events) await this.#hear(event);
  }

  async #hear(event: ToldEvent): Promise<void> {
    if (event.kind === "state") return this.#state(event.task);
    if (event.kind === "frame") {
      const following = await this.#followingOf(event.id);
      if (following) this.#frame(event.frame, following);
    }
    if (event.kind === "deleted" && this.#following.delete(event.id)) await this.#status();
  }

  async #followingOf(id: string): Promise<Following | undefined> {
    const known = this.#following.get(id);
    if (known) return known;
    const task = await this.#studio.get(id).catch(() => undefined);
    return task && !isTerminal(task.state) ? this.#follow(task, false) : undefined;
  }

  #follow(task: Task, isWhole: boolean): Following | undefined {
    const { id, prompt } = task;
    const known = this.#following.get(id);
    if (known || !prompt) return known;
    const following = {
      prompt,
      isWhole,
      isRunning: task.state === "running",
      told: new Set<string>(),
    };
    this.#following.set(id, following);
    return following;
  }

  async #state(task: Task): Promise<void> {
    if (!task.prompt) return;
    const isNew = !this.#following.has(task.id);
    if (isTerminal(task.state)) return this.#end(task);
    const following = this.#follow(task, task.state === "queued");
    if (!following) return;
    const begins = task.state === "running" && !following.isRunning;
    following.isRunning ||= begins;
    if (isNew || begins) await this.#status();
  }

  /** What was not told yet, the end as it is on record, and that it is over. */
  async #end(task: Task): Promise<void> {
    if (this.#ended.has(task.id)) return;
    // What ended before anybody listened may be told once more by the look at the database.
    const isOld = (task.finishedAt ?? "") < this.#since;
    const following =
      this.#following.get(task.id) ?? (isOld ? undefined : this.#follow(task, false));
    if (!following) return;
    this.#flush(following);
    this.#following.delete(task.id);
    this.#ended.add(task.id);
    const [oldest] = this.#ended;
    if (this.#ended.size > mostEnded && oldest !== undefined) this.#ended.delete(oldest);
    const { clientId, id: prompt_id } = following.prompt;
    if (clientId !== undefined) this.#current.delete(clientId);
    await this.#tellRest(task, following);
    await this.#status();
    this.#tell(following, "executing", { node: null, prompt_id });
  }

  /** One that was taken from the queue before it began has nothing to tell. */
  async #tellRest(task: Task, following: Following): Promise<void> {
    const prompt = await this.#studio.prompts.withRecipe(task);
    if (!prompt || !isInHistory(task)) return;
    const prompt_id = following.prompt.id;
    const [start, cached, end] = messagesOf(prompt);
    if (following.isWhole) {
      for (const message of [start, cached]) if (message) this.#once(following, ...message);
      for (const [node, output] of Object.entries(runOf(task).outputs ?? {})) {
        const data = { node, display_node: node, output, prompt_id };
        this.#once(following, "executed", data, `executed ${node}`);
      }
    }
    if (end) this.#tell(following, ...end);
  }

  #once(following: Following, type: string, data: Record<string, unknown>, key = type): void {
    if (following.told.has(key)) return;
    following.told.add(key);
    this.#tell(following, type, data);
  }

  #frame(frame: RunFrame, following: Following): void {
    const { prompt, told } = following;
    if (frame.kind !== "message") {
      this.#flush(following);
      if (frame.kind === "picture") return this.#picture(frame, following);
      return this.#sockets.sendBytes(textFrame(frame.node, frame.text), undefined);
    }
    const { type, data } = frame.message;
    if (type !== "progress") this.#flush(following);
    if (type === "executing" && data.node !== null && prompt.clientId !== undefined) {
      const node = data.display_node ?? data.node;
      this.#current.set(prompt.clientId, { prompt: prompt.id, node });
    }
    told.add(type === "executed" ? `executed ${data.display_node ?? data.node}` : type);
    this.#tell(following, type, data);
    this.#flush(following);
  }

  #flush(following: Following): void {
    const { held, prompt } = following;
    following.held = undefined;
    if (held) this.#sockets.sendBytes(held, prompt.clientId);
  }

  /** A preview, or the result of a node that saves nowhere. */
  #picture(
    { node, picture: { bytes, mimeType } }: Extract<RunFrame, { kind: "picture" }>,
    following: Following,
  ): void {
    const { id: promptId, clientId } = following.prompt;
    const picture = { format: mimeType === "image/png" ? "png" : "jpeg", bytes } as const;
    const withMetadata = this.#sockets.supportsPreviewMetadata(clientId) && node !== undefined;
    if (!withMetadata) following.held = previewFrame(picture);
    else {
      const frame = previewWithMetadataFrame(picture, { nodeId: node, promptId });
      this.#sockets.sendBytes(frame, clientId);
    }
  }

  #tell({ prompt: { clientId } }: Following, type: string, data: unknown): void {
    if (clientId === undefined && !forEverybody.has(type) && type !== "execution_error") return;
    if (clientId === undefined && type === "execution_error" && !isBlocked(data)) return;
    this.#sockets.send(type, data, clientId);
  }

  async #status(): Promise<void> {
    this.#remaining = await remaining(this.#studio);
    this.#sockets.send("status", { status: execInfo(this.#remaining) });
  }
}

function isBlocked(data: unknown): boolean {
  return (data as { exception_type?: unknown }).exception_type === "ExecutionBlocked";
}
