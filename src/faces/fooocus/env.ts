import type { Log } from "../../log.ts";
import type { FaceContext, FaceEnv } from "../shared/env.ts";

export type FooocusEnv = FaceEnv;

export type FooocusContext = FaceContext;

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
