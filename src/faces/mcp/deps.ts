import type { Log } from "../../log.ts";
import type { Studio } from "../../studio/studio.ts";
import type { Catalog } from "../../workflows/catalog.ts";
import type { Offer } from "./offer.ts";
import type { ToolSchemas } from "./tool-schemas.ts";
import type { ViewOptions } from "./view.ts";

/** What a connection is served from. The face keeps no state of its own. */
export interface Deps extends ViewOptions {
  catalog: Catalog;
  /** Of whoever is at the other end. */
  studio: Studio;
  log: Log;
  /** Default of `wait_seconds`. */
  waitSeconds: number;
  offer: Offer;
  /** Offer the experimental tasks of revision 2025-11-25, which some clients then insist on. */
  mcpTasks: boolean;
  /** Signs what a call that is made again carries, the same for whoever may get it. @default random */
  askKey?: () => Promise<Buffer>;
  /** Where the page was built. @default where it is shipped */
  pageDir?: string | undefined;
  /** Shared where there are many connections. */
  schemas?: ToolSchemas;
}
