import { infoReply } from "../../as-comfyui/info-reply.ts";
import { empty, json, type Reply } from "../../as-comfyui/reply.ts";
import { byCodeUnits } from "../disk.ts";
import type { Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import { modelFolders } from "../models.ts";
import type { Parts } from "../parts.ts";

export const catalogRoutes: Route[] = [
  { method: "GET", path: "/object_info", handle: allNodes },
  { method: "GET", path: "/object_info/{name}", handle: oneNode },
  { method: "GET", path: "/models", handle: (_, parts) => json(folders(parts)) },
  { method: "GET", path: "/models/{folder}", handle: filesIn },
  { method: "GET", path: "/experiment/models", handle: (_, parts) => json(folderDetails(parts)) },
  { method: "GET", path: "/experiment/models/{folder}", handle: fileDetails },
  { method: "GET", path: "/view_metadata/{folder}", handle: headerOf },
  { method: "GET", path: "/embeddings", handle: (_, { models }) => json(stems(models)) },
];

function allNodes(_: Request, { catalog }: Parts): Reply {
  return infoReply(Object.fromEntries(catalog.names.map((name) => [name, catalog.info(name)])));
}

function oneNode(_: Request, { catalog }: Parts, { name = "" }: Record<string, string>): Reply {
  const info = catalog.info(name);
  return infoReply(info ? { [name]: info } : {});
}

function folders({ models, version }: Parts): string[] {
  return modelFolders(version, models);
}

function filesIn(_: Request, parts: Parts, { folder = "" }: Record<string, string>): Reply {
  if (!folders(parts).includes(folder)) return empty(404);
  return json([...(parts.models[folder] ?? [])].sort(byCodeUnits));
}

function folderDetails(parts: Parts): Record<string, unknown>[] {
  return folders(parts).map((name) => ({
    name,
    folders: [`/comfyui/models/${name}`],
    extensions: [".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"],
  }));
}

function fileDetails(_: Request, parts: Parts, { folder = "" }: Record<string, string>): Reply {
  if (!folders(parts).includes(folder)) return empty(404);
  const files = parts.models[folder] ?? [];
  const details = { pathIndex: 0, modified: 1_760_000_000, created: 1_760_000_000, size: 0 };
  return json(files.map((name) => ({ name, ...details })));
}

/** Only of a safetensors file that has such a header; everything else is an empty 404. */
function headerOf(
  { query }: Request,
  parts: Parts,
  { folder = "" }: Record<string, string>,
): Reply {
  const name = query.get("filename") ?? "";
  const isThere = name.endsWith(".safetensors") && parts.models[folder]?.includes(name);
  const header = isThere ? parts.metadata[`${folder}/${name}`] : undefined;
  return header ? json(header) : empty(404);
}

function stems(models: Record<string, string[]>): string[] {
  return (models["embeddings"] ?? []).map((name) => name.replace(/\.[^.]+$/, ""));
}
