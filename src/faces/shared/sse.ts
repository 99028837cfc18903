import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";

/** Proxies cut what is silent for longer, and clients take it for dead. */
const standardBeatMs = 15_000;

/** Server-sent events; `failed` words what `work` throws. A client that goes aborts the signal, and nothing else. */
export function eventStream(
  c: Context,
  work: (out: SSEStreamingApi, signal: AbortSignal) => Promise<void>,
  failed: (error: unknown, out: SSEStreamingApi) => Promise<void>,
  beatMs = standardBeatMs,
): Response {
  // Proxies that hold answers back would hold back the events.
  c.header("X-Accel-Buffering", "no");
  return streamSSE(c, async (out) => {
    const gone = new AbortController();
    out.onAbort(() => gone.abort());
    const beat = setInterval(() => void alive(out), beatMs);
    try {
      await work(out, gone.signal);
    } catch (error) {
      await failed(error, out);
    } finally {
      clearInterval(beat);
    }
  });
}

/** A comment, which readers of events pass over. */
export async function alive(out: SSEStreamingApi): Promise<void> {
  await out.write(": alive\n\n");
}
