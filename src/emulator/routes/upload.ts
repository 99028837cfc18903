import { posix } from "node:path";
import { annotation, type FolderName } from "../../as-comfyui/annotation.ts";
import { withAlphaOf } from "../../as-comfyui/mask.ts";
import { multipart, type Part } from "../../as-comfyui/multipart.ts";
import { empty, json, type Reply, serverError } from "../../as-comfyui/reply.ts";
import { type Disk, sha256 } from "../disk.ts";
import type { Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";

export const uploadRoutes: Route[] = [
  { method: "POST", path: "/upload/image", handle: (request, parts) => upload(request, parts) },
  { method: "POST", path: "/upload/mask", handle: uploadMask },
];

/** What is written for an upload; undefined writes nothing, which nobody is told. */
type Contents = (image: Part) => Promise<Buffer | undefined>;

async function upload(
  request: Request,
  { disk }: Parts,
  contents: Contents = async ({ data }) => data,
): Promise<Reply> {
  const form = multipart(request.body, request.headers["content-type"]);
  const folder = field(form, "type") ?? "input";
  if (folder !== "input" && folder !== "output" && folder !== "temp") return serverError;
  const image = form.get("image");
  if (image?.filename === undefined) return empty(400);
  if (image.filename === "") return serverError;
  const subfolder = field(form, "subfolder") ?? "";
  const base = posix.join(posix.normalize(subfolder), image.filename);
  if (base.startsWith("/") || base.startsWith("..")) return empty(400);
  disk.makeFolder(folder, posix.normalize(subfolder));
  if (!disk.hasFolder(folder, posix.dirname(base))) return serverError;
  const overwrite = ["true", "1"].includes(field(form, "overwrite") ?? "");
  const name = overwrite ? image.filename : await freeName(disk, folder, subfolder, image);
  const path = posix.join(posix.normalize(subfolder), name);
  const known = overwrite ? undefined : disk.read(folder, path);
  const written = known ? undefined : await contents(image);
  if (written) disk.write(folder, path, written);
  return json({ name, subfolder, type: folder });
}

/** The first name that is free or already holds these bytes. */
async function freeName(
  disk: Disk,
  folder: FolderName,
  subfolder: string,
  { filename = "", data }: Part,
): Promise<string> {
  const hash = sha256(data);
  const extension = posix.extname(filename);
  const stem = extension ? filename.slice(0, -extension.length) : filename;
  let name = filename;
  for (let copy = 1; ; copy += 1) {
    const present = disk.read(folder, posix.join(posix.normalize(subfolder), name));
    if (!present || sha256(present.bytes) === hash) return name;
    name = `${stem} (${copy})${extension}`;
  }
}

/** The pixels of the original with the alpha of the upload. */
function uploadMask(request: Request, parts: Parts): Promise<Reply> | Reply {
  const form = multipart(request.body, request.headers["content-type"]);
  const reference = field(form, "original_ref");
  if (reference === undefined) return serverError;
  const {
    filename,
    subfolder = "",
    type = "output",
  } = JSON.parse(reference) as {
    filename: string;
    subfolder?: string;
    type?: FolderName;
  };
  const { name, folder } = annotation(filename);
  const original = parts.disk.read(folder ?? type, posix.join(subfolder, name));
  return upload(request, parts, async ({ data }) => {
    if (!original) return undefined;
    return withAlphaOf(original.bytes, data);
  });
}

function field(form: Map<string, Part>, name: string): string | undefined {
  return form.get(name)?.data.toString("utf8");
}
