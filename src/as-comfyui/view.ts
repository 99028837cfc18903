import { createHash } from "node:crypto";
import { posix } from "node:path";
import sharp from "sharp";
import { annotation, type FolderName } from "./annotation.ts";
import { isRisky, mediaType } from "./media-type.ts";
import { empty, type Reply } from "./reply.ts";
import { atLeast } from "./version.ts";

export interface ViewedFile {
  bytes: Buffer;
  modified: Date;
}

export interface ViewTarget {
  folder: FolderName;
  subfolder: string;
  name: string;
}

/** What `/view` is asked for, or the status of its refusal. */
export function viewTarget(query: URLSearchParams): ViewTarget | number {
  const filename = query.get("filename");
  if (filename === null) return 404;
  const { name, folder } = annotation(filename);
  if (name === "" || name.startsWith("/") || name.includes("..")) return 400;
  const type = folder ?? query.get("type") ?? "output";
  if (!isFolder(type)) return 400;
  const subfolder = posix.normalize(query.get("subfolder") ?? "");
  if (subfolder.startsWith("/") || subfolder.startsWith("..")) return 403;
  // The folder part of `filename` is dropped without a word.
  return {
    folder: type,
    subfolder: subfolder === "." ? "" : subfolder,
    name: posix.basename(name),
  };
}

export function isFolder(type: string): type is FolderName {
  return type === "input" || type === "output" || type === "temp";
}

interface ViewRequest {
  query: URLSearchParams;
  header(name: string): string | undefined;
}

/** How a file is shown: as it is, or converted as `preview` and `channel` say. */
export async function viewReply(
  file: ViewedFile,
  name: string,
  request: ViewRequest,
  version: string,
): Promise<Reply> {
  const preview = request.query.get("preview");
  const channel = request.query.get("channel") ?? "";
  if (preview !== null) return previewReply(file, name, preview, channel);
  if (channel === "rgb" || channel === "a") return channelReply(file, name, channel);
  return fileReply(file, name, request, version);
}

async function previewReply(
  { bytes }: ViewedFile,
  name: string,
  preview: string,
  channel: string,
): Promise<Reply> {
  const parts = preview.split(";");
  const asJpeg = parts[0] === "jpeg" && !channel.includes("a");
  const last = parts.at(-1) ?? "";
  const quality = /^\d+$/.test(last) ? Math.min(Math.max(Number(last), 1), 100) : 90;
  const image = asJpeg || channel === "rgb" ? sharp(bytes).removeAlpha() : sharp(bytes);
  const body = await (asJpeg ? image.jpeg({ quality }) : image.webp({ quality })).toBuffer();
  return named(body, name, asJpeg ? "image/jpeg" : "image/webp");
}

async function channelReply(
  { bytes }: ViewedFile,
  name: string,
  channel: "rgb" | "a",
): Promise<Reply> {
  if (channel === "rgb")
    return named(await sharp(bytes).removeAlpha().png().toBuffer(), name, "image/png");
  const alpha = sharp(bytes).ensureAlpha().extractChannel("alpha");
  const { data, info } = await alpha.raw().toBuffer({ resolveWithObject: true });
  const black = {
    width: info.width,
    height: info.height,
    channels: 3 as const,
    background: "black",
  };
  const raw = { width: info.width, height: info.height, channels: 1 as const };
  const body = await sharp({ create: black }).joinChannel(data, { raw }).png().toBuffer();
  return named(body, name, "image/png");
}

function named(body: Buffer, name: string, type: string): Reply {
  return {
    status: 200,
    headers: { "content-type": type, "content-disposition": `filename="${name}"` },
    body,
  };
}

/** The bytes as they are, with what a static file server adds. */
function fileReply(
  { bytes, modified }: ViewedFile,
  name: string,
  request: ViewRequest,
  version: string,
): Reply {
  const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 24)}"`;
  const headers: Record<string, string> = {
    ...typeHeaders(name, request, version),
    ...(atLeast(version, "0.28.0") ? { "x-content-type-options": "nosniff" } : {}),
    etag,
    "last-modified": modified.toUTCString(),
    "accept-ranges": "bytes",
  };
  if (request.header("if-none-match") === etag) return empty(304, headers);
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.header("range") ?? "");
  if (!range) return { status: 200, headers, body: bytes };
  const [from, to] = rangeOf(range[1] ?? "", range[2] ?? "", bytes.length);
  if (from >= bytes.length) {
    return empty(416, { ...headers, "content-range": `bytes */${bytes.length}` });
  }
  headers["content-range"] = `bytes ${from}-${to - 1}/${bytes.length}`;
  return { status: 206, headers, body: bytes.subarray(from, to) };
}

function rangeOf(first: string, last: string, size: number): [from: number, to: number] {
  if (first === "") return [Math.max(size - Number(last), 0), size];
  return [Number(first), last === "" ? size : Math.min(Number(last) + 1, size)];
}

/** What a browser might execute is a download: by its type alone before 0.28.0, then by its name too. */
function typeHeaders(name: string, request: ViewRequest, version: string): Record<string, string> {
  const type = mediaType(name);
  const safe = name.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  const disposition = `filename="${safe}"`;
  if (!isRisky(type, version)) return { "content-type": type, "content-disposition": disposition };
  const download = "application/octet-stream";
  if (!atLeast(version, "0.28.0")) {
    return { "content-type": download, "content-disposition": disposition };
  }
  const attachment = {
    "content-type": download,
    "content-disposition": `attachment; ${disposition}`,
  };
  if (!atLeast(version, "0.30.0")) return attachment;
  // Since 0.30.0 a picture on a page may be an SVG, so the answer depends on who asks.
  const inline = type === "image/svg+xml" && request.header("sec-fetch-dest") === "image";
  return {
    ...(inline ? { "content-type": type, "content-disposition": disposition } : attachment),
    "cache-control": "no-store",
    vary: "Sec-Fetch-Dest",
  };
}
