import type { Log } from "../../log.ts";
import type { FaceContext } from "../shared/env.ts";
import type { Told } from "./map.ts";

export const mountedAt = "/api/v2";

export interface Parts {
  log: Log;
  /** Ids of tasks that are being stopped. */
  canceling: Set<string>;
}

/** What a job is told with, beside its task and recipe. */
export function placeOfCall(c: FaceContext): Pick<Told, "studio" | "root"> {
  return { studio: c.get("studio"), root: `${c.get("base")}${mountedAt}` };
}
