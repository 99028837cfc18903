import type { Context } from "hono";

/** A part of so many bytes; `end` is the first byte that is not of it, 0 where nothing is. */
export interface Part {
  start: number;
  end: number;
  /** For `Content-Range`. */
  header: string;
}

/**
 * The part that a `Range` asks for; undefined where the whole is to be sent: without one, and for
 * several at once or what cannot be read, as RFC 9110 (14.2) lets a server do.
 */
export function rangeIn(range: string | undefined, size: number): Part | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (last !== "" && first !== "" && Number(last) < start) return undefined;
  if (start >= end) return { start: 0, end: 0, header: `bytes */${size}` };
  return { start, end, header: `bytes ${start}-${end - 1}/${size}` };
}

/** The bytes, or the part of them that is asked for, if that is of what `etag` names. */
export function sendRange(c: Context, bytes: Buffer, etag: string): Response {
  c.header("Accept-Ranges", "bytes");
  const { range, "if-range": ifRange } = c.req.header();
  const part = ifRange === undefined || ifRange === etag ? rangeIn(range, bytes.length) : undefined;
  if (part) c.header("Content-Range", part.header);
  if (part?.end === 0) return c.body(null, 416);
  const body = part ? bytes.subarray(part.start, part.end) : bytes;
  c.header("Content-Length", String(body.length));
  const status = part ? 206 : 200;
  return c.req.method === "HEAD" ? c.body(null, status) : c.body(new Uint8Array(body), status);
}
