import type { Context } from "hono";
import type { Log } from "../../../log.ts";
import type { Caller } from "../../../studio/caller.ts";
import type { Studio } from "../../../studio/studio.ts";
import type { PictureTool } from "../../../studio/tools.ts";
import type { Catalog } from "../../../workflows/catalog.ts";

/** What routes here ask for; callers may have others. */
export type Scope = "read" | "generate" | "delete";

/** Who is in front of this must have set the studio of the request's caller. */
export interface RestEnv {
  Variables: { studio: Studio };
}

export interface FilesParts {
  log: Log;
  /** What a caller may do. */
  scopesOf(caller: Caller): readonly string[];
}

export interface RestParts extends FilesParts {
  catalog: Catalog;
  /** Of its key; null for whoever needs none. */
  nameOf(caller: Caller): string | null;
  tools(studio: Studio): PictureTool[];
  /** An emulator draws. */
  demo: boolean;
  /** Where MCP is served, as this client reaches it. */
  mcpUrl(request: Request): string;
  /** Between two comments on a silent stream of events. @default 15_000 */
  beatMs?: number;
  /** Between two looks at whether a ComfyUI came or went, for whoever reads events. @default 5_000 */
  backendsMs?: number;
}

export type RestContext = Context<RestEnv>;
