import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  CancelledNotificationSchema,
  ErrorCode,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Caller } from "../../studio/caller.ts";

/** One client's session over HTTP: its transport, and what says whether anybody is still there. */
export class Session {
  readonly caller: Caller;
  /** Milliseconds, as `performance.now()` gives them. */
  lastSeen = performance.now();
  readonly #mcp: McpServer;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #log: Log;
  /** Requests that have no answer yet. */
  readonly #pending = new Set<RequestId>();
  #streams = 0;

  constructor(
    mcp: McpServer,
    transport: WebStandardStreamableHTTPServerTransport,
    caller: Caller,
    log: Log,
  ) {
    this.#mcp = mcp;
    this.#transport = transport;
    this.caller = caller;
    this.#log = log;
  }

  get id(): string | undefined {
    return this.#transport.sessionId;
  }

  get isBusy(): boolean {
    return this.#pending.size > 0 || this.#streams > 0;
  }

  async open(): Promise<void> {
    const transport = this.#transport;
    // What a client sends wrong, and an answer nobody waits for any more.
    this.#mcp.server.onerror = (error) => this.#log.debug(`mcp: ${error.message}`);
    await this.#mcp.connect(transport);
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
      if (isJSONRPCRequest(message)) this.#pending.add(message.id);
      onmessage?.(message, extra);
      const cancelled = CancelledNotificationSchema.safeParse(message).data?.params.requestId;
      if (cancelled !== undefined) this.#letGo(cancelled);
    };
    const send = transport.send.bind(transport);
    transport.send = async (message, options) => {
      const isAnswer = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message);
      if (isAnswer && message.id !== undefined) this.#pending.delete(message.id);
      await send(message, options);
    };
  }

  async handle(request: Request): Promise<Response> {
    this.lastSeen = performance.now();
    const response = await this.#transport.handleRequest(request);
    if (request.method === "GET" && response.ok) {
      this.#streams += 1;
      request.signal.addEventListener("abort", () => this.#streamEnded(), { once: true });
    }
    return response;
  }

  /** A cancelled request gets no answer, and the SDK leaves its stream open. */
  #letGo(id: RequestId): void {
    if (this.#pending.delete(id)) this.#transport.closeSSEStream(id);
  }

  #streamEnded(): void {
    this.#streams -= 1;
    this.lastSeen = performance.now();
  }

  /** Ends the session; whoever waits for an answer is told `reason`. Tasks go on. */
  async close(reason?: string): Promise<void> {
    const error = {
      code: ErrorCode.ConnectionClosed,
      message: reason ?? "The session was closed.",
    };
    for (const id of this.#pending) {
      await this.#transport
        .send({ jsonrpc: "2.0", id, error })
        .catch((failure) => this.#log.debug(`mcp: ${messageOf(failure)}`));
    }
    await this.#mcp.close();
  }
}
