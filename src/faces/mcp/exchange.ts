import type { Log } from "../../log.ts";
import type { Message } from "./rpc.ts";
import { watchAll } from "./subscriptions.ts";
import type { Surface } from "./surface.ts";

/** One request over HTTP since 2026-07-28. */
export interface Exchange {
  response: Promise<Response>;
  /** Ends it without taking its call for cancelled. */
  close(): Promise<void>;
}

export interface ExchangeOptions {
  keepAliveMs: number;
  /** Nobody reads any more. */
  over(): void;
}

/**
 * Answers one request, whose body is parsed. A client that closes the stream of its response has
 * cancelled (2026-07-28, Cancellation).
 */
export function exchange(
  { httpHandler }: Pick<typeof import("./sdk2.ts"), "httpHandler">,
  surface: Surface,
  request: Request,
  body: Message,
  log: Log,
  { keepAliveMs, over }: ExchangeOptions,
): Exchange {
  const stop = new AbortController();
  const handler = httpHandler(surface, log, {
    keepAliveMs,
    ended: async () => (request.signal.aborted ? "cancelled" : "detached"),
  });
  surface.onToolsChanged = () => handler.toolsChanged();
  const end = () => {
    stop.abort();
    surface.close();
    over();
  };
  const respond = async () => {
    const refused = await watchAll(surface, body, stop.signal, (uri) => handler.updated(uri));
    if (refused) return Response.json(refused, { status: 400 });
    return handler.fetch(request, body);
  };
  const response = respond().then((answer) => endingWith(answer, end));
  return { response, close: () => handler.close() };
}

/** The same response, with a word when its body has been read or is not wanted any more. */
function endingWith(response: Response, end: () => void): Response {
  if (!response.body) {
    end();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      end();
      controller.close();
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
  return new Response(body, response);
}
