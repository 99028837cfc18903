import { inject, onTestFinished } from "vitest";
import {
  assemble,
  type HttpServer,
  type ServeParts,
  serveHttp,
} from "../../src/faces/http/serve.ts";
import type { Deps } from "../../src/faces/mcp/deps.ts";
import type { HttpConfig } from "../../src/http-config.ts";
import { type Client, type ClientOptions, connectBy, httpTransport } from "./client.ts";
import type { World } from "./world.ts";

const standard: HttpConfig = {
  host: "127.0.0.1",
  port: 0,
  ownPorts: {},
  authTokens: [],
  oauth: undefined,
  allowAnonymous: true,
  publicUrl: undefined,
  hosts: [],
  origins: [],
  requestsPerMinute: 1e6,
  tasksAtOnce: undefined,
  keptGb: undefined,
  maxSessions: 1_000,
  sessionIdleSeconds: 1_800,
  linkMinutes: 1_440,
  linkKey: undefined,
};

/** The app over HTTP without a port: a request is handed to it as it is. */
export async function assembled(
  { app, deps, log }: World,
  config: Partial<HttpConfig> = {},
  studio: ServeParts["studio"] = app.studio,
): Promise<(request: Request) => Promise<Response>> {
  const allowAnonymous = config.authTokens === undefined;
  const { main, close } = await assemble({
    config: { ...standard, allowAnonymous, ...config },
    studio,
    secret: app.secret,
    mcp: deps,
    log,
  });
  onTestFinished(() => close());
  return async (request) => main.app.fetch(request);
}

/** The app over HTTP; with keys, nobody is let in without one. */
export async function startHttp(
  world: World,
  config: Partial<HttpConfig> = {},
  pageDir?: string,
): Promise<HttpServer> {
  const server = await openHttp(world, config, pageDir);
  onTestFinished(() => server.close());
  return server;
}

/** As `startHttp`, for whoever closes it. */
export function openHttp(
  { app, deps, log }: World,
  config: Partial<HttpConfig> = {},
  pageDir?: string,
): Promise<HttpServer> {
  const allowAnonymous = config.authTokens === undefined && config.oauth === undefined;
  return serveHttp({
    config: { ...standard, allowAnonymous, ...config },
    studio: app.studio,
    secret: app.secret,
    mcp: deps,
    log,
    pageDir,
  });
}

/** A client over HTTP of the very studio that `deps` has, with its folders. */
export async function connectOverHttp(deps: Deps, options: ClientOptions = {}): Promise<Client> {
  const server = await serveHttp({
    config: standard,
    studio: () => deps.studio,
    secret: async () => Buffer.alloc(32),
    mcp: deps,
    log: deps.log,
  });
  onTestFinished(() => server.close());
  return connectTo(server.url, {}, "", options);
}

export async function connectTo(
  url: string,
  headers: Record<string, string> = {},
  query = "",
  options: ClientOptions = {},
): Promise<Client> {
  const revision = options.way?.revision ?? inject("revision");
  const transport = httpTransport(revision, `${url}/mcp${query}`, headers);
  const client = await connectBy(revision, transport, options);
  onTestFinished(() => client.close());
  return client;
}

/** How many MCP sessions there are, by the server's own count; for one without keys. */
export async function sessionsOpen(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^comfy_easel_mcp_sessions (\d+)$/m.exec(text)?.[1]);
}
