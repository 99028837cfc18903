import { empty, json, notFound, type Reply, text } from "../../as-comfyui/reply.ts";
import { atLeast } from "../../as-comfyui/version.ts";
import { byCodeUnits, type StoredFile } from "../disk.ts";
import type { Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";

/** Files of the user and of the template gallery (`app/user_manager.py`, `server.py`, 0.33.0). */
export const userdataRoutes: Route[] = [
  { method: "GET", path: "/userdata", handle: list },
  { method: "GET", path: "/userdata/{file}", handle: read },
  { method: "POST", path: "/userdata/{file}", handle: save },
  { method: "GET", path: "/templates/{file}", handle: template },
  { method: "GET", path: "/workflow_templates", handle: packTemplates },
  { method: "GET", path: "/workflow_templates/{pack}/{file}", handle: packTemplate },
];

function list({ query }: Request, { userdata, version }: Parts): Reply {
  const directory = query.get("dir");
  if (!directory) return text("Directory not provided", 400);
  const inside = `${directory}/`;
  const recurse = query.get("recurse")?.toLowerCase() === "true";
  const found = [...userdata]
    .filter(([name]) => name.startsWith(inside))
    .map(([name, file]) => ({ path: name.slice(inside.length), file }))
    .filter(({ path }) => recurse || !path.includes("/"))
    .sort((a, b) => byCodeUnits(a.path, b.path));
  if (![...userdata.keys()].some((name) => name.startsWith(inside))) {
    return text("Directory not found", 404);
  }
  if (query.get("full_info")?.toLowerCase() === "true") {
    return json(found.map(({ path, file }) => details(path, file, version)));
  }
  const split = query.get("split")?.toLowerCase() === "true";
  return json(found.map(({ path }) => (split ? [path, ...path.split("/")] : path)));
}

/** Times are milliseconds since 0.21.0, seconds with a fraction before. */
function details(path: string, { bytes, modified }: StoredFile, version: string) {
  const time = modified.getTime() / (atLeast(version, "0.21.0") ? 1 : 1_000);
  return { path, size: bytes.length, modified: time, created: time };
}

function read(_: Request, { userdata }: Parts, { file = "" }: Record<string, string>): Reply {
  const found = userdata.get(decodedAgain(file));
  if (!found) return empty(404);
  return {
    status: 200,
    headers: { "content-type": "application/json", "content-disposition": "attachment" },
    body: found.bytes,
  };
}

function save(
  { body, query }: Request,
  { userdata, version }: Parts,
  { file = "" }: Record<string, string>,
): Reply {
  const name = decodedAgain(file);
  if (query.get("overwrite") === "false" && userdata.has(name)) {
    return text("File already exists", 409);
  }
  const stored = { bytes: body, modified: new Date() };
  userdata.set(name, stored);
  const isFull = query.get("full_info")?.toLowerCase() === "true";
  return json(isFull ? details(name, stored, version) : name);
}

/** The handler decodes once more where a "%" is left. */
function decodedAgain(file: string): string {
  return file.includes("%") ? decodeURIComponent(file) : file;
}

/** Files of the front-end: there is no `/api` alias. */
function template(
  { path }: Request,
  { templates }: Parts,
  { file = "" }: Record<string, string>,
): Reply {
  const found = path.startsWith("/api/") ? undefined : templates.get(file);
  return found === undefined ? notFound : { ...json(null), body: found };
}

/** Templates of node packs are those of the gallery with a slash in their name. */
function packTemplates(_: Request, { templates }: Parts): Reply {
  const packs: Record<string, string[]> = {};
  for (const name of templates.keys()) {
    const [, pack, own] = /^([^/]+)\/(.+)\.json$/.exec(name) ?? [];
    if (pack !== undefined && own !== undefined) packs[pack] = [...(packs[pack] ?? []), own];
  }
  return json(packs);
}

function packTemplate(
  _: Request,
  { templates }: Parts,
  { pack = "", file = "" }: Record<string, string>,
): Reply {
  const found = templates.get(`${pack}/${file}`);
  return found === undefined ? notFound : { ...json(null), body: found };
}
