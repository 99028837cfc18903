import type { Context } from "hono";
import { megabytes } from "../../words.ts";
import type { HttpEnv } from "./env.ts";
import { Refusal } from "./refusal.ts";

/**
 * Refuses a body that says it is longer, at once, and one that does not say so as soon as it is.
 * Hono's own limit makes a new request of the request, which those of `@hono/node-server` are not
 * fit for as long as it leaves the global `Request` alone.
 */
export function limitBody(c: Context<HttpEnv>, longest: number): void {
  const { raw } = c.req;
  const { headers } = raw;
  const length = headers.get("content-length");
  if (length !== null && !headers.has("transfer-encoding")) {
    // Node takes no byte beyond the length that was said.
    if (Number(length) > longest) throw tooLong(longest);
    return;
  }
  if (raw.method === "GET" || raw.method === "HEAD" || !raw.body) return;
  c.req.raw = new Request(raw.url, {
    method: raw.method,
    headers,
    body: raw.body.pipeThrough(counting(longest)),
    duplex: "half",
    signal: raw.signal,
  });
}

function counting(longest: number): TransformStream<Uint8Array, Uint8Array> {
  let received = 0;
  return new TransformStream({
    transform(chunk, controller) {
      received += chunk.byteLength;
      if (received > longest) controller.error(tooLong(longest));
      else controller.enqueue(chunk);
    },
  });
}

function tooLong(longest: number): Refusal {
  return new Refusal(413, `The body is too long: at most ${megabytes(longest)} are taken here.`);
}
