import type { HttpBindings } from "@hono/node-server";
import type { Context, Env, Hono } from "hono";
import type { Caller } from "../../studio/caller.ts";
import type { Studio } from "../../studio/studio.ts";
import { Refusal } from "./refusal.ts";

/** What the guards have found out when a face is asked. */
export interface HttpEnv {
  /** Missing where no socket is: in tests that ask the app itself. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    /** Undefined only on paths that are open to everybody. */
    caller: Caller | undefined;
    studio: Studio | undefined;
    /** Scheme, host and port under which the client reaches this server; no slash at the end. */
    base: string;
    /** What a 401 says in `WWW-Authenticate`. */
    challenge: string;
  };
}

/** Throws a 401 for a request without a key. */
export function studioOf(c: Context<HttpEnv>): Studio {
  const studio = c.get("studio");
  if (studio) return studio;
  throw unauthorized(c);
}

/** Throws a 401 for a request without a key. */
export function callerOf(c: Context<HttpEnv>): Caller {
  return studioOf(c).caller;
}

/** `problem` only where a token was given (RFC 6750, 3.1). */
export function unauthorized(c: Context<HttpEnv>, problem?: string): Refusal {
  const challenge = c.get("challenge");
  if (problem === undefined) {
    const message =
      "This server asks for a key: send it as Authorization: Bearer KEY, or as X-API-Key: KEY.";
    return new Refusal(401, message, { "WWW-Authenticate": challenge });
  }
  const separator = challenge.includes(" ") ? ", " : " ";
  return new Refusal(401, problem, {
    "WWW-Authenticate": `${challenge}${separator}error="invalid_token"`,
  });
}

/** A face's own app below ours: what it needs is set by then, which Hono's types cannot say. */
export function mounted<E extends Env>(app: Hono<E>): Hono<HttpEnv> {
  return app as unknown as Hono<HttpEnv>;
}
