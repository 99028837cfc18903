import { randomUUID } from "node:crypto";
import type { RawData, WebSocket } from "ws";
import { asciiJson } from "./reply.ts";

export interface SocketHost {
  /** Nothing is sent, as by a ComfyUI whose loop hangs. @default false */
  isSilent?(): boolean;
  /** A socket that closes takes the newer one of its id with it (ComfyUI #16010). @default false */
  forgetsNewer?(): boolean;
  /** The body of a `status` message. */
  queueInfo(): Record<string, unknown>;
  features(): Record<string, unknown>;
  /** What is being executed for that client, as `executing` says it. */
  current(sid: string): Record<string, unknown> | undefined;
  /** Bytes that may wait for a reader before it is cut off. @default any number */
  mostBuffered?: number;
}

/** The registry behind `/ws`: one socket per client id, the newest. */
export class Sockets {
  readonly #host: SocketHost;
  readonly #registered = new Map<string, WebSocket>();
  readonly #flags = new Map<string, Record<string, unknown>>();
  /** Every open socket, also those a newer one has replaced. */
  readonly #open = new Set<WebSocket>();

  constructor(host: SocketHost) {
    this.#host = host;
  }

  accept(socket: WebSocket, clientId: string): void {
    const sid = clientId || randomUUID().replaceAll("-", "");
    this.#open.add(socket);
    this.#registered.set(sid, socket);
    this.#flags.set(sid, {});
    socket.on("error", () => socket.terminate());
    socket.on("close", () => this.#leave(socket, sid));
    this.send("status", { status: this.#host.queueInfo(), sid }, sid);
    const current = this.#host.current(sid);
    if (current) this.send("executing", current, sid);
    this.#listen(socket, sid);
  }

  /** To the socket of `sid`, silently dropped when there is none; to all without a `sid`. */
  send(type: string, data: unknown, sid?: string): void {
    this.#deliver(asciiJson({ type, data }), sid);
  }

  /** As is, JSON or not. */
  sendText(message: string, sid?: string): void {
    this.#deliver(message, sid);
  }

  sendBytes(frame: Buffer, sid?: string): void {
    this.#deliver(frame, sid);
  }

  /** How many are open, replaced ones among them. */
  get size(): number {
    return this.#open.size;
  }

  supportsPreviewMetadata(sid: string | undefined): boolean {
    return sid !== undefined && this.#flags.get(sid)?.["supports_preview_metadata"] === true;
  }

  /** Cuts the connection without a closing handshake. */
  cut(sid: string): void {
    this.#registered.get(sid)?.terminate();
  }

  cutAll(): void {
    for (const socket of this.#open) socket.terminate();
  }

  #deliver(message: string | Buffer, sid?: string): void {
    if (this.#host.isSilent?.()) return;
    const targets = sid === undefined ? this.#registered.values() : [this.#registered.get(sid)];
    for (const socket of targets) {
      if (!socket || socket.readyState !== socket.OPEN) continue;
      if (socket.bufferedAmount > (this.#host.mostBuffered ?? Infinity)) socket.terminate();
      else socket.send(message);
    }
  }

  /** `feature_flags` counts only as the first message; text that is not JSON does not count as one. */
  #listen(socket: WebSocket, sid: string): void {
    let first = true;
    socket.on("message", (raw: RawData, isBinary: boolean) => {
      const message = isBinary ? undefined : parsedObject(raw);
      if (!message) return;
      if (first && message["type"] === "feature_flags") {
        this.#flags.set(sid, (message["data"] ?? {}) as Record<string, unknown>);
        this.send("feature_flags", this.#host.features(), sid);
      }
      first = false;
    });
  }

  #leave(socket: WebSocket, sid: string): void {
    this.#open.delete(socket);
    const replaced = this.#registered.get(sid) !== socket;
    if (replaced && !this.#host.forgetsNewer?.()) return;
    this.#registered.delete(sid);
    this.#flags.delete(sid);
  }
}

function parsedObject(raw: RawData): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(raw.toString());
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
