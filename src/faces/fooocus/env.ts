import type { Context } from "hono";
import type { Log } from "../../log.ts";
import type { Studio } from "../../studio/studio.ts";

/** Who is in front of this must have set both. */
export interface FooocusEnv {
  Variables: {
    /** Of the request's caller. */
    studio: Studio;
    /** Scheme, host and port under which the client reaches this; no slash at the end. */
    base: string;
  };
}

export type FooocusContext = Context<FooocusEnv>;

export interface FooocusParts {
  log: Log;
  /** How long a call is checked before its answer is begun, in milliseconds. @default 3_000 */
  beginMs?: number;
}

/** One address; the same table is mounted on the port of everything and on one of its own. */
export interface Route {
  method: "GET" | "POST";
  /** As clients know it, from the root; `:name` parts as in Hono. */
  path: string;
  answer(c: FooocusContext): Response | Promise<Response>;
}
