import { megabytes } from "../../words.ts";
import type { Deps } from "./deps.ts";
import { type Message, mentionsRevision, rpcCodes, rpcError } from "./rpc.ts";
import { longestBody, Sessions, type SessionsParts } from "./sessions.ts";
import { Stateless } from "./stateless.ts";

export { rpcCodes, rpcError };

/** The first revision whose requests say it in a header and need no session. */
const firstStateless = "2026-07-28";
const keepAliveMs = 15_000;

/** MCP over HTTP: sessions for revisions up to 2025-11-25, none since. */
export class McpHttp {
  readonly #sessions: Sessions;
  readonly #stateless: Stateless;

  constructor(parts: Omit<SessionsParts, "keepAliveMs">) {
    this.#sessions = new Sessions({ ...parts, keepAliveMs });
    this.#stateless = new Stateless({ ...parts, keepAliveMs });
  }

  /** Sessions that are open. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Throws `too_many` or `invalid_input` where no session can be opened. */
  async handle(request: Request, studio: Deps["studio"]): Promise<Response> {
    const { headers, method } = request;
    const isNewest = (headers.get("mcp-protocol-version") ?? "") >= firstStateless;
    const isOfSession = headers.has("mcp-session-id") && !isNewest;
    const isJson = /^application\/json\b/i.test(headers.get("content-type") ?? "");
    if (method !== "POST" || isOfSession || !isJson) return this.#sessions.handle(request, studio);
    const text = await textOf(request);
    if (text === undefined) {
      const most = megabytes(longestBody);
      return rpcError(
        413,
        rpcCodes.server,
        `The body is too long: at most ${most} are taken here.`,
      );
    }
    const body = parsed(text);
    if (body === undefined) return rpcError(400, rpcCodes.parse, "Parse error: no JSON.");
    const answer =
      isNewest || mentionsRevision(text)
        ? await this.#stateless.handle(request, body, studio)
        : undefined;
    return answer ?? this.#sessions.handle(request, studio, body);
  }

  async close(): Promise<void> {
    await Promise.all([this.#sessions.close(), this.#stateless.close()]);
  }
}

/** Undefined as soon as it is longer than what is taken. */
async function textOf(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get("content-length")) > longestBody) return undefined;
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request.body ?? []) {
    length += piece.length;
    if (length > longestBody) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function parsed(text: string): Message | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
