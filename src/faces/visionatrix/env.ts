import type { Context } from "hono";
import type { Studio } from "../../studio/studio.ts";
import type { PictureTool } from "../../studio/tools.ts";

/** Who is in front of this must have set it. */
export interface VisionatrixEnv {
  Variables: {
    /** Of the request's caller, who sees nothing of others. */
    studio: Studio;
  };
}

export type VisionatrixContext = Context<VisionatrixEnv>;

export interface VisionatrixParts {
  /** The tools that make pictures, for this studio: they read what a call says. */
  tools(studio: Studio): readonly PictureTool[];
}

/** One address, as clients know it from the root; `:name` parts as in Hono. */
export interface Route {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  answer(c: VisionatrixContext): Response | Promise<Response>;
}
