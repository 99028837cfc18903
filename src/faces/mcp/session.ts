import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Caller } from "../../studio/caller.ts";
import { type Message, rpcCodes } from "./rpc.ts";

type RequestId = string | number;

/** What carries the messages of one session. */
export interface SessionTransport {
  readonly sessionId: string | undefined;
  onmessage?: (message: Message, extra?: unknown) => void;
  send(message: Message, options?: unknown): Promise<void>;
  handleRequest(request: Request, read?: { parsedBody: unknown }): Promise<Response>;
  closeSSEStream(id: RequestId): void;
  close(): Promise<void>;
}

/** One client's session over HTTP: its transport, and what says whether anybody is still there. */
export class Session {
  readonly caller: Caller;
  /** Milliseconds, as `performance.now()` gives them. */
  lastSeen = performance.now();
  readonly #transport: SessionTransport;
  readonly #log: Log;
  /** Requests that have no answer yet. */
  readonly #pending = new Set<RequestId>();
  /** Held, as a request that is collected as garbage never tells that its client went. */
  readonly #streams = new Set<Request>();

  /** The transport is connected. */
  constructor(transport: SessionTransport, caller: Caller, log: Log) {
    this.#transport = transport;
    this.caller = caller;
    this.#log = log;
    this.#watch();
  }

  get id(): string | undefined {
    return this.#transport.sessionId;
  }

  get isBusy(): boolean {
    return this.#pending.size > 0 || this.#streams.size > 0;
  }

  #watch(): void {
    const transport = this.#transport;
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
      if (message.method !== undefined && message.id !== undefined) this.#pending.add(message.id);
      onmessage?.(message, extra);
      if (message.method !== "notifications/cancelled") return;
      const cancelled = message.params?.["requestId"];
      if (typeof cancelled === "string" || typeof cancelled === "number") this.#letGo(cancelled);
    };
    const send = transport.send.bind(transport);
    transport.send = async (message, options) => {
      const isAnswer = message.method === undefined;
      if (isAnswer && message.id !== undefined) this.#pending.delete(message.id);
      await send(message, options);
    };
  }

  /** `body` if it was read already. */
  async handle(request: Request, body?: Message): Promise<Response> {
    this.lastSeen = performance.now();
    const response = await this.#transport.handleRequest(
      request,
      body === undefined ? undefined : { parsedBody: body },
    );
    if (request.method === "GET" && response.ok) {
      this.#streams.add(request);
      request.signal.addEventListener("abort", () => this.#streamEnded(request), { once: true });
    }
    return response;
  }

  /** A cancelled request gets no answer, and the SDK leaves its stream open. */
  #letGo(id: RequestId): void {
    if (this.#pending.delete(id)) this.#transport.closeSSEStream(id);
  }

  #streamEnded(request: Request): void {
    this.#streams.delete(request);
    this.lastSeen = performance.now();
  }

  /** Ends the session; whoever waits for an answer is told `reason`. Tasks go on. */
  async close(reason?: string): Promise<void> {
    const error = {
      code: rpcCodes.server,
      message: reason ?? "The session was closed.",
    };
    for (const id of this.#pending) {
      await this.#transport
        .send({ jsonrpc: "2.0", id, error })
        .catch((failure) => this.#log.debug(`mcp: ${messageOf(failure)}`));
    }
    await this.#transport.close();
  }
}
