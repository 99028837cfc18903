import type { ImageStore } from "../../images/store.ts";
import type { Log } from "../../log.ts";
import type { Tasks } from "../../tasks/tasks.ts";
import type { Catalog } from "../../workflows/catalog.ts";
import type { Locate } from "./render.ts";
import type { ViewOptions } from "./view.ts";

/** What the MCP face is built on. It keeps no state of its own. */
export interface Deps extends ViewOptions {
  tasks: Tasks;
  catalog: Catalog;
  images: ImageStore;
  log: Log;
  /** Default of `wait_seconds`. */
  waitSeconds: number;
  locate: Locate;
}
