import type { Context } from "hono";
import type { Studio } from "../../studio/studio.ts";

/** Who is in front of a face must have set both. */
export interface FaceEnv {
  Variables: {
    /** Of the request's caller. */
    studio: Studio;
    /** Scheme, host and port under which the client reaches this; no slash at the end. */
    base: string;
  };
}

export type FaceContext = Context<FaceEnv>;
