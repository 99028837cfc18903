import { AppError, messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Caller } from "../../studio/caller.ts";
import type { Deps } from "./deps.ts";
import { offerTo } from "./offer.ts";
import { type Message, rpcCodes, rpcError } from "./rpc.ts";
import { openSession } from "./sdk1.ts";
import { Session } from "./session.ts";
import { Surface } from "./surface.ts";

export interface SessionsParts {
  /** What a session is served from, whatever its client asks for. */
  deps: Omit<Deps, "studio">;
  /** How many there may be at once. */
  most: number;
  /** How long one lives without a sign of its client. */
  idleMs: number;
  /** Between comments that keep a stream open. */
  keepAliveMs: number;
  log: Log;
  /** @default new Surface */
  surface?: (deps: Deps) => Surface;
}

/** A picture of 50 MB as base64, with a mask of some size beside it. */
export const longestBody = 72 * 1024 * 1024;

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

  /** `body` if it was read already. Throws `too_many` or `invalid_input` where no session can be opened. */
  async handle(request: Request, studio: Deps["studio"], body?: Message): Promise<Response> {
    const id = request.headers.get("mcp-session-id");
    if (id !== null) {
      const session = this.#sessions.get(id);
      // Another key's session looks like none.
      if (session && isSame(session.caller, studio.caller)) return session.handle(request);
      return unknownSession();
    }
    if (request.method === "POST") return this.#open(request, studio, body);
    return rpcError(400, rpcCodes.server, "Mcp-Session-Id: missing.");
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    const all = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(all.map((session) => session.close(stopping)));
  }

  async #open(request: Request, studio: Deps["studio"], body?: Message): Promise<Response> {
    const { deps, log, keepAliveMs, surface = (each) => new Surface(each) } = this.#parts;
    const offer = offerTo(request, { ...deps, studio });
    this.#makeRoom();
    this.#opening += 1;
    try {
      let session: Session | undefined;
      const transport = await openSession(surface({ ...deps, studio, offer }), log, {
        longestBody,
        keepAliveMs,
        opened: (id) => void (session && this.#sessions.set(id, session)),
        ended: () => void this.#sessions.delete(transport.sessionId ?? ""),
      });
      session = new Session(transport, studio.caller, log);
      const response = await session.handle(request, body);
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

function unknownSession(): Response {
  return rpcError(
    404,
    rpcCodes.unknownSession,
    "Session not found: it has ended, or another server behind this address opened it. Initialize again; tasks keep their ids.",
  );
}
