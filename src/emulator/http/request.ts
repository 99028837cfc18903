import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

export interface Request {
  method: string;
  /** Below the prefix, percent-encoding kept. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Thrown for a body over the limit. */
export class BodyTooLarge extends Error {}

/** Reads the whole body; the rest of one that is too large is read and thrown away. */
export async function bodyOf(message: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) throw new BodyTooLarge();
  return Buffer.concat(chunks);
}

/** Whatever the Content-Type says; throws when it is not JSON. */
export function jsonBody({ body }: Request): unknown {
  return JSON.parse(body.toString("utf8"));
}

/** As `jsonBody`; undefined for what is no JSON. */
export function jsonOrNothing(request: Request): unknown {
  try {
    return jsonBody(request);
  } catch {
    return undefined;
  }
}
