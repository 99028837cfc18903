import { posix } from "node:path";
import { atLeast } from "./version.ts";

const byExtension: Record<string, string> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".webp": "image/webp",
  ".gif": "image/gif",
  ".bmp": "image/bmp",
  ".avif": "image/avif",
  ".tif": "image/tiff",
  ".tiff": "image/tiff",
  ".svg": "image/svg+xml",
  ".mp4": "video/mp4",
  ".webm": "video/webm",
  ".flac": "audio/flac",
  ".mp3": "audio/mpeg",
  ".txt": "text/plain",
  ".md": "text/markdown",
  ".csv": "text/csv",
  ".json": "application/json",
  ".html": "text/html",
  ".htm": "text/html",
  ".xhtml": "application/xhtml+xml",
  ".js": "application/javascript; charset=utf-8",
  ".css": "text/css",
  ".xml": "application/xml",
};

export function mediaType(name: string): string {
  return byExtension[posix.extname(name).toLowerCase()] ?? "application/octet-stream";
}

/** What a browser might execute, and what ComfyUI thought of before 0.28.0. */
export function isRisky(mediaType: string, version: string): boolean {
  const type = mediaType.replace(/;.*/, "");
  if (!atLeast(version, "0.28.0")) return /^(text\/(html|css)|application\/xhtml\+xml)$/.test(type);
  return /^(text\/(html|javascript|css|xml)|message\/rfc822)$|[+/]xml$|javascript$/.test(type);
}
