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
  /** Shared where there are many connections. */
  schemas?: ToolSchemas;
}
