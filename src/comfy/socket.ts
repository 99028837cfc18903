import { once } from "node:events";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { backOff } from "../back-off.ts";
import type { Log } from "../log.ts";
import { type PictureFrame, pictureIn, textIn } from "./binary-frame.ts";
import type { SocketMessage } from "./protocol.ts";
import type { ComfyTarget } from "./target.ts";

/** A full-size PNG of a 16384 x 16384 picture fits. */
const maxFrameBytes = 512 * 1024 * 1024;
const openTimeoutMs = 2_500;
const pingEveryMs = 20_000;
const backOffMs = { first: 250, last: 10_000 };

export interface SocketEvents {
  message(message: SocketMessage): void;
  picture(frame: PictureFrame): void;
  /** What a node shows on itself; it does not say in which run. */
  text(nodeId: string, text: string): void;
  /** After every (re)connection: events since the last one may have been lost. */
  connected(): void;
  /** `lost`: not by `rest`, so ComfyUI may have ended. */
  disconnected(lost: boolean): void;
  /** Something waits for events: a socket that ends is opened again. */
  isWanted(): boolean;
}

/**
 * The one WebSocket to a ComfyUI, reconnecting under the same client id while it is wanted.
 *
 * The old socket is closed and its end awaited before a new one opens: ComfyUI's handler
 * unregisters the client id when a socket ends, even if a newer socket holds it by then
 * (`server.py`, `websocket_handler`), and the newer one would go deaf.
 */
export class ComfySocket {
  readonly #target: ComfyTarget;
  readonly #clientId: string;
  readonly #events: SocketEvents;
  readonly #log: Log;
  #socket: WebSocket | undefined;
  #transport: Socket | undefined;
  #opening: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #waits = backOff(backOffMs);
  #closed = false;
  /** The socket was ended because nobody wanted it. */
  #rests = false;

  constructor(target: ComfyTarget, clientId: string, events: SocketEvents, log: Log) {
    this.#target = target;
    this.#clientId = clientId;
    this.#events = events;
    this.#log = log;
  }

  /** Grows while a frame arrives, long before it is whole. */
  get bytesRead(): number {
    return this.#transport?.bytesRead ?? 0;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Resolves once the socket is open; rejects when this attempt failed (retries go on behind it). */
  open(): Promise<void> {
    if (this.#closed) return Promise.reject(new Error("the socket is closed"));
    if (this.isOpen) return Promise.resolve();
    clearTimeout(this.#retry);
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Cuts a socket that is suspected to be deaf; a new one follows. */
  reopen(): Promise<void> {
    this.#socket?.terminate();
    return this.open();
  }

  /** Ends the socket until somebody opens it again. */
  rest(): void {
    clearTimeout(this.#retry);
    this.#rests = true;
    this.#socket?.terminate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    await terminated(socket);
  }

  async #connect(): Promise<void> {
    await this.#endOld();
    if (this.#closed) return;
    const url = `${this.#target.url.replace(/^http/, "ws")}/ws?clientId=${this.#clientId}`;
    const socket = new WebSocket(url, {
      headers: this.#target.headers,
      handshakeTimeout: openTimeoutMs,
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
      rejectUnauthorized: !this.#target.insecureTls,
    });
    this.#socket = socket;
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on("error", (error) => this.#log.debug(`socket to ${this.#target.url}: ${error}`));
    socket.on("upgrade", (response) => {
      this.#transport = response.socket;
    });
    const watch = this.#keepAlive(socket);
    socket.on("close", () => {
      clearInterval(watch);
      this.#scheduleRetry();
    });
    await once(socket, "open");
    if (this.#closed) return socket.terminate();
    this.#waits = backOff(backOffMs);
    socket.on("close", () => this.#events.disconnected(!this.#rests));
    // The server honours feature flags only in the first message of a socket.
    socket.send(
      JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true } }),
    );
    this.#rests = false;
    this.#events.connected();
  }

  async #endOld(): Promise<void> {
    const old = this.#socket;
    if (!old || old.readyState === WebSocket.CLOSED) return;
    await terminated(old);
    clearTimeout(this.#retry);
  }

  #scheduleRetry(): void {
    clearTimeout(this.#retry);
    if (this.#closed || !this.#events.isWanted()) return;
    this.#retry = setTimeout(() => {
      this.open().catch(() => {
        // The close handler has scheduled the next attempt, if one is wanted.
      });
    }, this.#waits.next().value);
    this.#retry.unref();
  }

  /** Proxies cut idle sockets, and a half-open one is found only by a ping without its pong. */
  #keepAlive(socket: WebSocket): NodeJS.Timeout {
    let answered = true;
    let read = 0;
    socket.on("pong", () => {
      answered = true;
    });
    const timer = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      // A pong waits behind a large frame; bytes that come in are life as well.
      const alive = answered || this.bytesRead > read;
      read = this.bytesRead;
      if (!alive) return socket.terminate();
      answered = false;
      socket.ping();
    }, pingEveryMs);
    timer.unref();
    return timer;
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (isBinary) return this.#receiveBinary(data);
    let message: SocketMessage;
    try {
      message = JSON.parse(data.toString());
    } catch {
      return this.#log.debug(`socket to ${this.#target.url}: a text frame is not JSON`);
    }
    // Custom nodes send types of their own, and not everything with a known name has its fields.
    if (typeof message?.type !== "string" || !isRecord(message.data)) return;
    try {
      this.#events.message(message);
    } catch (error) {
      this.#log.debug(`socket to ${this.#target.url}: a ${message.type} frame is odd: ${error}`);
    }
  }

  #receiveBinary(frame: Buffer): void {
    try {
      const picture = pictureIn(frame);
      if (picture) return this.#events.picture(picture);
      const text = textIn(frame);
      if (text) this.#events.text(text.nodeId, text.text);
    } catch (error) {
      this.#log.debug(`socket to ${this.#target.url}: a binary frame is odd: ${error}`);
    }
  }
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function terminated(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.terminate();
  });
}
