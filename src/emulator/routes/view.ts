import { posix } from "node:path";
import sharp from "sharp";
import { annotation, type FolderName, type StoredFile, sha256 } from "../disk.ts";
import { empty, json, type Reply } from "../http/reply.ts";
import type { Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import { isRisky, mediaType } from "../media-type.ts";
import type { Parts } from "../parts.ts";
import { atLeast } from "../version.ts";

export const viewRoutes: Route[] = [
  { method: "GET", path: "/view", handle: getView },
  { method: "GET", path: "/internal/files/{folder}", handle: listFiles },
];

async function getView(request: Request, parts: Parts): Promise<Reply> {
  const found = locate(request.query, parts);
  if (typeof found === "number") return empty(found);
  const reply = await served(found.file, found.name, request, parts.version);
  if (parts.faults.takeTruncatedView()) reply.cutAfter = Math.trunc(reply.body.length / 2);
  return reply;
}

/** The file, or the status of the refusal. */
function locate(
  query: URLSearchParams,
  { disk }: Parts,
): { file: StoredFile; name: string } | number {
  const filename = query.get("filename");
  if (filename === null) return 404;
  const { name, folder } = annotation(filename);
  if (name === "" || name.startsWith("/") || name.includes("..")) return 400;
  const type = folder ?? query.get("type") ?? "output";
  if (!isFolder(type)) return 400;
  const subfolder = posix.normalize(query.get("subfolder") ?? "");
  if (subfolder.startsWith("/") || subfolder.startsWith("..")) return 403;
  // The folder part of `filename` is dropped without a word.
  const base = posix.basename(name);
  const file = disk.read(type, posix.join(subfolder, base));
  return file ? { file, name: base } : 404;
}

function isFolder(type: string): type is FolderName {
  return type === "input" || type === "output" || type === "temp";
}

async function served(
  file: StoredFile,
  name: string,
  request: Request,
  version: string,
): Promise<Reply> {
  const preview = request.query.get("preview");
  const channel = request.query.get("channel") ?? "";
  if (preview !== null) return previewReply(file, name, preview, channel);
  if (channel === "rgb" || channel === "a") return channelReply(file, name, channel);
  return fileReply(file, name, request, version);
}

async function previewReply(
  { bytes }: StoredFile,
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
  { bytes }: StoredFile,
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
  { bytes, modified }: StoredFile,
  name: string,
  request: Request,
  version: string,
): Reply {
  const etag = `"${sha256(bytes).slice(0, 24)}"`;
  const headers: Record<string, string> = {
    ...typeHeaders(name, request, version),
    ...(atLeast(version, "0.28.0") ? { "x-content-type-options": "nosniff" } : {}),
    etag,
    "last-modified": modified.toUTCString(),
    "accept-ranges": "bytes",
  };
  if (request.headers["if-none-match"] === etag) return empty(304, headers);
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers["range"] ?? "");
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
function typeHeaders(name: string, request: Request, version: string): Record<string, string> {
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
  const inline = type === "image/svg+xml" && request.headers["sec-fetch-dest"] === "image";
  return {
    ...(inline ? { "content-type": type, "content-disposition": disposition } : attachment),
    "cache-control": "no-store",
    vary: "Sec-Fetch-Dest",
  };
}

function listFiles(_: Request, { disk }: Parts, { folder = "" }: Record<string, string>): Reply {
  if (!isFolder(folder)) return json({ error: "Invalid directory type" }, 400);
  const top = disk.names(folder).filter((name) => !name.includes("/"));
  const modified = (name: string) => disk.read(folder, name)?.modified.getTime() ?? 0;
  top.sort((a, b) => modified(b) - modified(a));
  return json(top.map((name) => `${name} [${folder}]`));
}
