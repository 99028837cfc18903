import { objectIn } from "../../as-comfyui/bodies.ts";
import { assetsDisabled, features } from "../../as-comfyui/features.ts";
import { infoReply } from "../../as-comfyui/info-reply.ts";
import { empty, json, notFound, type Reply, text } from "../../as-comfyui/reply.ts";
import { spoken } from "../../as-comfyui/version.ts";
import type { InputSpec, NodeInfo, ObjectInfo } from "../../comfy/protocol.ts";
import type { Prompts } from "../../studio/prompts.ts";
import { version } from "../../version.ts";
import { isFileInput } from "../../workflows/handed-in.ts";
import { type ComfyContext, jsonOf, promptsOf, type Route } from "./env.ts";

/** File names that a loader lists. */
const mostFiles = 500;

export const factRoutes: Route[] = [
  { method: "GET", path: "/object_info", handle: getNodes },
  { method: "GET", path: "/object_info/:name", handle: getNode },
  {
    method: "GET",
    path: "/models",
    handle: async (c) => json(await promptsOf(c).comfy.modelFolders()),
  },
  { method: "GET", path: "/models/:folder", handle: getModels },
  {
    method: "GET",
    path: "/experiment/models",
    handle: async (c) => json((await promptsOf(c).comfy.modelFolders()).map(folderOf)),
  },
  { method: "GET", path: "/experiment/models/:folder", handle: getModelRecords },
  {
    method: "GET",
    path: "/embeddings",
    handle: async (c) => json(await promptsOf(c).comfy.embeddings()),
  },
  { method: "GET", path: "/system_stats", handle: getStats },
  { method: "GET", path: "/features", handle: () => json(features(spoken)) },
  { method: "POST", path: "/free", handle: postFree },
  // What the editor asks for as it starts, and what nobody here has.
  { method: "GET", path: "/extensions", handle: () => json([]) },
  { method: "GET", path: "/workflow_templates", handle: () => json({}) },
  { method: "GET", path: "/global_subgraphs", handle: () => json({}) },
  { method: "GET", path: "/node_replacements", handle: () => json({}) },
  { method: "GET", path: "/i18n", handle: () => json({}) },
  { method: "GET", path: "/settings", handle: () => json({}) },
  { method: "GET", path: "/settings/:id", handle: () => json(null) },
  { method: "GET", path: "/view_metadata/:folder", handle: getMetadata },
  { method: "GET", path: "/users", handle: () => json({ storage: "server", migrated: true }) },
  { method: "GET", path: "/assets", prefixed: true, handle: assetsDisabled },
  { method: "GET", path: "/tags", prefixed: true, handle: assetsDisabled },
];

/** Routes of ComfyUI that this face has not, and why. */
export const absent: { path: string; why: string }[] = [
  { path: "/userdata", why: "Files of ComfyUI's editor are not kept here; save them in ComfyUI." },
  {
    path: "/userdata/*",
    why: "Files of ComfyUI's editor are not kept here; save them in ComfyUI.",
  },
  {
    path: "/v2/userdata",
    why: "Files of ComfyUI's editor are not kept here; save them in ComfyUI.",
  },
  { path: "/settings/*", why: "Settings of ComfyUI's editor are not kept here." },
  { path: "/internal/*", why: "What is internal to a ComfyUI is not shown here." },
  {
    path: "/experiment/*",
    why: "Folders of the ComfyUI machines are not shown here; /models lists the files.",
  },
];

async function getNodes(c: ComfyContext): Promise<Reply> {
  const nodes = await promptsOf(c).comfy.nodes();
  const files = await ownFiles(promptsOf(c));
  const shown = Object.entries(nodes).map(([name, info]) => [name, shownNode(info, files)]);
  return infoReply(Object.fromEntries(shown));
}

async function getNode(c: ComfyContext): Promise<Reply> {
  const name = c.req.param("name") ?? "";
  const nodes: ObjectInfo = await promptsOf(c).comfy.nodes();
  const info = Object.hasOwn(nodes, name) ? nodes[name] : undefined;
  if (!info) return json({});
  return infoReply({ [name]: shownNode(info, await ownFiles(promptsOf(c))) });
}

interface OwnFiles {
  input: readonly string[];
  output: readonly string[];
}

async function ownFiles(prompts: Prompts): Promise<OwnFiles> {
  const [input, output] = await Promise.all([
    prompts.files("input", mostFiles),
    prompts.files("output", mostFiles),
  ]);
  const top = (names: readonly string[]) => names.filter((name) => !name.includes("/")).sort();
  return { input: top(input), output: top(output).map((name) => `${name} [output]`) };
}

/** Choices as lists, as most clients read them, and of files only the caller's own. */
function shownNode(info: NodeInfo, files: OwnFiles): NodeInfo {
  const group = (specs: Record<string, InputSpec> | undefined) =>
    specs &&
    Object.fromEntries(
      Object.entries(specs).map(([name, spec]) => {
        if (!isFileInput(info, name)) return [name, listed(spec)];
        const folder = spec[1]?.["image_folder"] === "output" ? "output" : "input";
        return [name, withChoices(spec, files[folder])];
      }),
    );
  const required = group(info.input.required);
  const optional = group(info.input.optional);
  const input = { ...info.input, ...(required && { required }), ...(optional && { optional }) };
  return { ...info, input };
}

function listed(spec: InputSpec): InputSpec {
  const options = spec[0] === "COMBO" ? spec[1]?.["options"] : undefined;
  return Array.isArray(options) ? withChoices(spec, options) : spec;
}

function withChoices([, options]: InputSpec, choices: readonly unknown[]): InputSpec {
  if (options === undefined) return [[...choices]];
  const { options: _, ...others } = options;
  return [[...choices], others];
}

async function getModels(c: ComfyContext): Promise<Reply> {
  const files = await promptsOf(c).comfy.modelFiles(c.req.param("folder") ?? "");
  return files ? json(files) : notFound;
}

/** As `/experiment/models` lists it: where it lies on a ComfyUI machine is not shown. */
function folderOf(name: string): Record<string, unknown> {
  return { name, folders: [], extensions: [] };
}

async function getModelRecords(c: ComfyContext): Promise<Reply> {
  const files = await promptsOf(c).comfy.modelFiles(c.req.param("folder") ?? "");
  return files ? json(files.map((name) => ({ name, pathIndex: 0 }))) : notFound;
}

async function getMetadata(c: ComfyContext): Promise<Reply> {
  const file = c.req.query("filename");
  const found = file && (await promptsOf(c).comfy.fileMetadata(c.req.param("folder") ?? "", file));
  return found ? json(found) : empty(404);
}

/** The ComfyUIs behind as one; how each was started is their operator's business. */
async function getStats(c: ComfyContext): Promise<Reply> {
  const stats = await promptsOf(c).comfy.systemStats();
  const [first] = stats;
  const { argv: _, ...system } = first?.system ?? {};
  return json({
    system: { ...system, comfyui_version: spoken, comfy_easel_version: version, argv: [] },
    devices: stats.flatMap(({ devices }) => devices),
  });
}

/** Memory is given back by those ComfyUIs that nothing keeps busy; the others go on. */
async function postFree(c: ComfyContext): Promise<Reply> {
  const { unload_models: models, free_memory: memory } = objectIn(await jsonOf(c));
  c.get("studio").demand("generate");
  if (models || memory) await promptsOf(c).comfy.free();
  return empty();
}

export function notOffered(why: string): Reply {
  const error = { type: "not_offered", message: why, details: "", extra_info: {} };
  return json({ error, node_errors: {} }, 501);
}

export function wrongMethod(allow: string): Reply {
  return text("405: Method Not Allowed", 405, { allow });
}
