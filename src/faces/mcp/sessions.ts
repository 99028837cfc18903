import { randomUUID } from "node:crypto";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { AppError, messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Caller } from "../../studio/caller.ts";
import type { Deps } from "./deps.ts";
import { checkNames, type Offer } from "./offer.ts";
import { allTools, createMcpServer } from "./server.ts";
import { Session } from "./session.ts";

export interface SessionsParts {
  /** What a session is served from, whatever its client asks for. */
  deps: Omit<Deps, "studio">;
  /** How many there may be at once. */
  most: number;
  /** How long one lives without a sign of its client. */
  idleMs: number;
  log: Log;
  /** @default createMcpServer */
  create?: (deps: Deps) => McpServer;
}

/** A picture of 50 MB as base64, with a mask of some size beside it. */
const longestBody = 72 * 1024 * 1024;
const keepAliveMs = 15_000;

const stopping =
  "The server is stopping. A task that was made goes on; list_tasks finds it when the server is back.";

/** The MCP sessions over HTTP. A client that lets go of a stream lets go of no task. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #sessions = new Map<string, Session>();
  readonly #sweep: NodeJS.Timeout;
  #opening = 0;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    const everyMs = Math.min(30_000, Math.max(10, parts.idleMs / 4));
    this.#sweep = setInterval(() => this.#dropIdle(), everyMs);
    this.#sweep.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Throws `too_many` or `invalid_input` where no session can be opened. */
  async handle(request: Request, studio: Deps["studio"]): Promise<Response> {
    const id = request.headers.get("mcp-session-id");
    if (id !== null) {
      const session = this.#sessions.get(id);
      // Another key's session looks like none.
      if (session && isSame(session.caller, studio.caller)) return session.handle(request);
      return unknownSession();
    }
    if (request.method === "POST") return this.#open(request, studio);
    return rpcError(400, ErrorCode.ConnectionClosed, "Mcp-Session-Id: missing.");
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    const all = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(all.map((session) => session.close(stopping)));
  }

  async #open(request: Request, studio: Deps["studio"]): Promise<Response> {
    const { deps, log, create = createMcpServer } = this.#parts;
    const offer = offerTo(request, deps.offer);
    if (offer.asked) {
      const names = allTools({ ...deps, studio }).map(({ name }) => name);
      checkNames("X-Easel-Tools", offer.asked, names);
    }
    this.#makeRoom();
    this.#opening += 1;
    try {
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        maxRequestBodySize: longestBody,
        keepAliveMs,
        onsessioninitialized: (id) => void this.#sessions.set(id, session),
      });
      transport.onclose = () => {
        if (session.id !== undefined) this.#sessions.delete(session.id);
      };
      const mcp = create({ ...deps, studio, offer });
      const session = new Session(mcp, transport, studio.caller, log);
      await session.open();
      const response = await session.handle(request);
      if (session.id === undefined) await session.close();
      return response;
    } finally {
      this.#opening -= 1;
    }
  }

  /** A client that went without a word leaves its session behind; the one idle longest gives way. */
  #makeRoom(): void {
    const { most } = this.#parts;
    if (this.#sessions.size + this.#opening < most) return;
    const [oldest] = [...this.#sessions.values()]
      .filter((session) => !session.isBusy)
      .sort((a, b) => a.lastSeen - b.lastSeen);
    if (!oldest) {
      throw new AppError("too_many", `There are ${most} sessions, and all are in use. Try again.`);
    }
    this.#drop(oldest);
  }

  #dropIdle(): void {
    const before = performance.now() - this.#parts.idleMs;
    for (const session of this.#sessions.values()) {
      if (!session.isBusy && session.lastSeen < before) this.#drop(session);
    }
  }

  #drop(session: Session): void {
    if (session.id !== undefined) this.#sessions.delete(session.id);
    session.close().catch((error) => this.#parts.log.warn(`mcp: ${messageOf(error)}`));
  }
}

/** A renewed token may carry other scopes, and a session has those it was opened with. */
function isSame(a: Caller, b: Caller): boolean {
  const isEqual =
    a.scopes.size === b.scopes.size && [...a.scopes].every((one) => b.scopes.has(one));
  return a.name === b.name && isEqual;
}

/** `X-Easel-Tools: a,b` or `?tools=a,b`, and `X-Easel-Readonly: 1`. */
function offerTo({ headers, url }: Request, { operator }: Offer): Offer {
  const list = headers.get("x-easel-tools") ?? new URL(url).searchParams.get("tools");
  const asked = list?.split(",").map((name) => name.trim());
  const readOnly = /^(1|true|yes|on)$/i.test(headers.get("x-easel-readonly") ?? "");
  return { operator, asked: asked?.filter(Boolean), readOnly };
}

function unknownSession(): Response {
  return rpcError(404, ErrorCode.RequestTimeout, "Session not found");
}

/** An answer to a request whose id is not known. */
export function rpcError(
  status: number,
  code: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status, headers });
}
