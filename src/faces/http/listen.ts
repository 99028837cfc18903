import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { createAdaptorServer, type WebSocketServerLike } from "@hono/node-server";
import type { Hono } from "hono";
import { WebSocketServer } from "ws";
import { messageOf, refusal } from "../../errors.ts";
import type { HttpEnv } from "./env.ts";

export interface Address {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** The options that say so. */
  given: string;
}

export interface Served extends Address {
  app: Hono<HttpEnv>;
}

/** A port that answers. */
export interface Listening {
  url: string;
  port: number;
  /** Takes no more requests and gives those in flight `graceMs` to end. */
  close(graceMs?: number): Promise<void>;
}

/** A request must have arrived as a whole within this; an answer may take as long as it takes. */
const requestMs = 5 * 60_000;
const headersMs = 20_000;
/** Longer than proxies keep idle connections, so that none sends into one that is closing. */
const keepAliveMs = 75_000;
/** Bytes; what a client says over a WebSocket is small. */
const longestMessage = 1024 * 1024;

/** Serves each app on its address, or none of them. */
export async function listenOnAll<T extends [Served, ...Served[]]>(
  all: T,
): Promise<{ [I in keyof T]: Listening }> {
  const listening: Listening[] = [];
  try {
    for (const each of all) listening.push(await listen(each.app, each));
  } catch (error) {
    await Promise.all(listening.map((open) => open.close(0)));
    throw error;
  }
  // One for each, in their order.
  return listening as { [I in keyof T]: Listening };
}

/** Serves an app, WebSockets too, on an address. Throws `invalid_input` for one that cannot be listened on. */
export async function listen(
  app: Hono<HttpEnv>,
  { host, port, given }: Address,
): Promise<Listening> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: longestMessage });
  // What it makes by default is a server of HTTP/1.1.
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: requestMs, headersTimeout: headersMs },
    // Its types differ under exactOptionalPropertyTypes.
    websocket: { server: sockets as WebSocketServerLike },
  }) as Server;
  server.keepAliveTimeout = keepAliveMs;
  readOffersAgain(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  }).catch((error) => {
    throw refusal(
      `${given}: ${host}:${port} cannot be listened on (${messageOf(error)}). Choose another port; 0 takes any free one.`,
      error,
    );
  });
  const bound = portOf(server);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    async close(graceMs = 500) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets.clients) socket.close(1001);
      server.closeIdleConnections();
      const grace = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      for (const socket of sockets.clients) socket.terminate();
      clearTimeout(grace);
    },
  };
}

/**
 * Some clients (Java's own) offer HTTP/2 with their first request, which may be declined (RFC 9110,
 * 7.8); Node hands over any offer once there are WebSockets. It is read once more, without the offer.
 */
function readOffersAgain(server: Server): void {
  const [forWebSocket] = server.listeners("upgrade");
  // The one for WebSockets answers a refusal only while it is the only one.
  server.removeAllListeners("upgrade");
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
    if (isWebSocket) forWebSocket?.call(server, request, socket, head);
    else readAgain(server, request, socket, head);
  });
}

function readAgain(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) {
      lines.push(`${name}: ${rawHeaders[i + 1]}`);
    }
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit("connection", socket);
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address === "object" && address) return address.port;
  throw new Error("a server that listens has an address");
}
