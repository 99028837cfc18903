import type { HistoryEntry } from "../../comfy/protocol.ts";
import { empty, json, type Reply } from "../http/reply.ts";
import type { Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";
import { int } from "../python.ts";
import { idList, objectBody } from "./queue.ts";

export const historyRoutes: Route[] = [
  { method: "GET", path: "/history", handle: getHistory },
  { method: "GET", path: "/history/{id}", handle: getEntry },
  { method: "POST", path: "/history", handle: postHistory },
];

/** Oldest first. `max_items` alone means the newest; with an offset it counts from the oldest. */
function getHistory({ query }: Request, { queue }: Parts): Reply {
  const maxItems = query.has("max_items") ? int(query.get("max_items")) : undefined;
  const offset = query.has("offset") ? int(query.get("offset")) : -1;
  const entries = [...queue.history];
  let start = Math.max(offset, 0);
  if (offset < 0 && maxItems !== undefined) start = Math.max(entries.length - maxItems, 0);
  // ComfyUI counts after adding: asked for none from a place inside, it gives one.
  const count = maxItems === undefined ? entries.length : Math.max(maxItems, 1);
  return json(Object.fromEntries(entries.slice(start, start + count)));
}

function getEntry(_: Request, { queue }: Parts, { id = "" }: Record<string, string>): Reply {
  const entry = queue.history.get(id);
  const found: Record<string, HistoryEntry> = entry ? { [id]: entry } : {};
  return json(found);
}

function postHistory(request: Request, { queue }: Parts): Reply {
  const { clear, delete: ids } = objectBody(request);
  if (clear) queue.history.clear();
  for (const id of idList(ids)) queue.history.delete(id);
  return empty();
}
