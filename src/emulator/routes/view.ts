import { posix } from "node:path";
import { empty, json, type Reply } from "../../as-comfyui/reply.ts";
import { isFolder, viewReply, viewTarget } from "../../as-comfyui/view.ts";
import type { Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";

export const viewRoutes: Route[] = [
  { method: "GET", path: "/view", handle: getView },
  { method: "GET", path: "/internal/files/{folder}", handle: listFiles },
];

async function getView({ query, headers }: Request, parts: Parts): Promise<Reply> {
  const target = viewTarget(query);
  if (typeof target === "number") return empty(target);
  const { folder, subfolder, name } = target;
  const file = parts.disk.read(folder, posix.join(subfolder, name));
  if (!file) return empty(404);
  const header = (given: string) => {
    const value = headers[given];
    return typeof value === "string" ? value : undefined;
  };
  const reply = await viewReply(file, name, { query, header }, parts.version);
  if (parts.faults.takeTruncatedView()) reply.cutAfter = Math.trunc(reply.body.length / 2);
  return reply;
}

function listFiles(_: Request, { disk }: Parts, { folder = "" }: Record<string, string>): Reply {
  if (!isFolder(folder)) return json({ error: "Invalid directory type" }, 400);
  const top = disk.names(folder).filter((name) => !name.includes("/"));
  const modified = (name: string) => disk.read(folder, name)?.modified.getTime() ?? 0;
  top.sort((a, b) => modified(b) - modified(a));
  return json(top.map((name) => `${name} [${folder}]`));
}
