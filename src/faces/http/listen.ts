import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { messageOf, refusal } from "../../errors.ts";
import type { HttpEnv } from "./env.ts";

export interface Address {
  host: string;
  /** 0 takes any free one. */
  port: number;
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

/** Serves an app on an address. Throws `invalid_input` for one that cannot be listened on. */
export async function listen(app: Hono<HttpEnv>, { host, port }: Address): Promise<Listening> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer({ requestTimeout: requestMs, headersTimeout: headersMs }, listener);
  server.keepAliveTimeout = keepAliveMs;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  }).catch((error) => {
    throw refusal(
      `--host, --port: ${host}:${port} cannot be listened on (${messageOf(error)}). Choose another port; 0 takes any free one.`,
      error,
    );
  });
  const bound = portOf(server);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    async close(graceMs = 500) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const grace = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(grace);
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address === "object" && address) return address.port;
  throw new Error("a server that listens has an address");
}
