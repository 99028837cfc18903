import { posix } from "node:path";
import { annotation, type FolderName } from "../../as-comfyui/annotation.ts";
import { multipart, type Part } from "../../as-comfyui/multipart.ts";
import { empty, json, type Reply, serverError } from "../../as-comfyui/reply.ts";
import { spoken } from "../../as-comfyui/version.ts";
import { inspectImage } from "../../images/inspect.ts";
import type { Prompts } from "../../studio/prompts.ts";
import { describe } from "../../tasks/named-files.ts";
import { type ComfyContext, promptsOf, type Route } from "./env.ts";

export const fileRoutes: Route[] = [
  { method: "GET", path: "/view", handle: getView },
  { method: "POST", path: "/upload/image", handle: (c) => upload(c) },
  { method: "POST", path: "/upload/mask", handle: uploadMask },
];

async function getView(c: ComfyContext): Promise<Reply> {
  // Loaded when first needed, as all that decodes pictures is.
  const { viewReply, viewTarget } = await import("../../as-comfyui/view.ts");
  const query = new URL(c.req.url).searchParams;
  const target = viewTarget(query);
  if (typeof target === "number") return empty(target);
  const { folder, subfolder, name } = target;
  const found = await promptsOf(c).file(folder, posix.join(subfolder, name));
  // Some clients pass on the name alone, which is enough among the files of one caller.
  const isBare = !query.has("subfolder") && !query.get("filename")?.includes("/");
  const below = isBare ? promptsOf(c).fileBelow(folder, name) : undefined;
  const file = found ?? (await below);
  if (!file) return empty(404);
  const bytes = await promptsOf(c).read(file);
  // A picture of a size that is not decoded elsewhere is not decoded here.
  if (query.has("preview") || query.has("channel")) await inspectImage(bytes, name);
  const made = file.kind === "result" ? (file.task.finishedAt ?? file.task.createdAt) : 0;
  const modified = new Date(made);
  return viewReply({ bytes, modified }, name, { query, header: (h) => c.req.header(h) }, spoken);
}

/** Where an upload goes, as its form says. */
interface Place {
  folder: FolderName;
  subfolder: string;
  image: Part;
  filename: string;
}

/** The place, or the status of the refusal. */
function placeIn(form: Map<string, Part>): Place | 400 | 500 {
  const folder = field(form, "type") ?? "input";
  if (!isFolder(folder)) return 500;
  const image = form.get("image") ?? form.get("image[]");
  if (image?.filename === undefined) return 400;
  if (image.filename === "") return 500;
  const { filename } = image;
  const subfolder = field(form, "subfolder") ?? "";
  const path = pathOf(subfolder, filename);
  if (path.startsWith("/") || path.startsWith("..")) return 400;
  return { folder, subfolder, image, filename };
}

function isFolder(type: string): type is FolderName {
  return type === "input" || type === "output" || type === "temp";
}

function pathOf(subfolder: string, name: string): string {
  return posix.join(posix.normalize(subfolder), name);
}

/** What is kept of an upload; undefined keeps nothing, which nobody is told. */
type Contents = (image: Part) => Promise<Buffer | undefined>;

async function upload(
  c: ComfyContext,
  contents: Contents = async ({ data }) => data,
  form?: Map<string, Part>,
): Promise<Reply> {
  const fields = form ?? (await formOf(c));
  const place = placeIn(fields);
  if (typeof place === "number") return place === 500 ? serverError : empty(place);
  const { folder, subfolder, image, filename } = place;
  const into = posix.dirname(pathOf(subfolder, filename));
  if (filename.includes("/") && !(await hasFolder(c, folder, into))) return serverError;
  const data = await contents(image);
  if (!data) return json({ name: filename, subfolder, type: folder });
  const overwrite = ["true", "1"].includes(field(fields, "overwrite") ?? "");
  const name = overwrite ? filename : await freeName(promptsOf(c), place, data);
  await promptsOf(c).put(folder, pathOf(subfolder, name), data);
  return json({ name, subfolder, type: folder });
}

/** ComfyUI makes the `subfolder` of an upload, and none that its name has. */
async function hasFolder(c: ComfyContext, folder: FolderName, path: string): Promise<boolean> {
  return (await promptsOf(c).files(folder, 1, `${path}/`)).length > 0;
}

/** The first name that is free or stands for these bytes already. */
async function freeName(
  prompts: Prompts,
  { folder, subfolder, filename }: Place,
  data: Buffer,
): Promise<string> {
  const { sha256 } = await describe(data, filename);
  const extension = posix.extname(filename);
  const stem = extension ? filename.slice(0, -extension.length) : filename;
  let name = filename;
  for (let copy = 1; ; copy += 1) {
    const present = await prompts.file(folder, pathOf(subfolder, name));
    if (!present || present.record.sha256 === sha256) return name;
    name = `${stem} (${copy})${extension}`;
  }
}

/** The pixels of the original with the alpha of the upload. */
async function uploadMask(c: ComfyContext): Promise<Reply> {
  const form = await formOf(c);
  const reference = field(form, "original_ref");
  if (reference === undefined) return serverError;
  const { filename, subfolder = "", type = "output" } = JSON.parse(reference);
  const { name, folder } = annotation(String(filename));
  const path = posix.join(String(subfolder), name);
  const original = await promptsOf(c).file(folder ?? folderIn(type), path);
  const contents: Contents = async ({ data }) => {
    if (!original) return undefined;
    const { withAlphaOf } = await import("../../as-comfyui/mask.ts");
    await inspectImage(data, "The mask");
    return withAlphaOf(await promptsOf(c).read(original), data);
  };
  return upload(c, contents, form);
}

function folderIn(type: unknown): FolderName {
  return type === "input" || type === "temp" ? type : "output";
}

async function formOf(c: ComfyContext): Promise<Map<string, Part>> {
  const body = Buffer.from(await c.req.arrayBuffer());
  return multipart(body, c.req.header("content-type"));
}

function field(form: Map<string, Part>, name: string): string | undefined {
  return form.get(name)?.data.toString("utf8");
}
