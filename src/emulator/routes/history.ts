import { idList, objectIn } from "../../as-comfyui/bodies.ts";
import { historyPage } from "../../as-comfyui/history-page.ts";
import { empty, json, type Reply } from "../../as-comfyui/reply.ts";
import type { HistoryEntry } from "../../comfy/protocol.ts";
import { jsonBody, type Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";

export const historyRoutes: Route[] = [
  { method: "GET", path: "/history", handle: getHistory },
  { method: "GET", path: "/history/{id}", handle: getEntry },
  { method: "POST", path: "/history", handle: postHistory },
];

function getHistory({ query }: Request, { queue }: Parts): Reply {
  return json(Object.fromEntries(historyPage([...queue.history], query)));
}

function getEntry(_: Request, { queue }: Parts, { id = "" }: Record<string, string>): Reply {
  const entry = queue.history.get(id);
  const found: Record<string, HistoryEntry> = entry ? { [id]: entry } : {};
  return json(found);
}

function postHistory(request: Request, { queue }: Parts): Reply {
  const { clear, delete: ids } = objectIn(jsonBody(request));
  if (clear) queue.history.clear();
  for (const id of idList(ids)) queue.history.delete(id);
  return empty();
}
