import { upgradeWebSocket } from "@hono/node-server";
import { Hono } from "hono";
import type { WebSocket } from "ws";
import { PythonError } from "../../as-comfyui/python.ts";
import { empty, notFound, type Reply, serverError, text } from "../../as-comfyui/reply.ts";
import { via } from "../../studio/prompts.ts";
import { Audience } from "./audience.ts";
import { Entries } from "./entries.ts";
import type { ComfyContext, ComfyEnv, ComfyParts, Handler, Route } from "./env.ts";
import { absent, factRoutes, notOffered, wrongMethod } from "./facts.ts";
import { fileRoutes } from "./files.ts";
import { jobRoutes } from "./jobs.ts";
import { promptRoutes } from "./prompts.ts";

/** A ComfyUI over the studio: its routes, at the root and below `/api`, and its socket. */
export function comfyuiApi(parts: ComfyParts): Hono<ComfyEnv> {
  const app = new Hono<ComfyEnv>();
  const audiences = new Map<string, Audience>();
  app.use(async (c, next) => {
    c.set("studio", c.get("studio").alone().through(via, c.req.header("user-agent")?.slice(0, 60)));
    await next();
  });
  app.use((c, next) => (isForeignPage(c) ? Promise.resolve(responseOf(empty(403))) : next()));
  const routes = [
    ...promptRoutes(parts, new Entries()),
    ...fileRoutes,
    ...factRoutes,
    ...jobRoutes(parts),
  ];
  for (const prefix of ["", "/api"]) {
    for (const route of routes) {
      if (prefix === "" && route.prefixed) continue;
      app.on(route.method, `${prefix}${route.path}`, (c) => answer(c, route.handle));
    }
    app.get(`${prefix}/ws`, (c, next) => socket(c, next));
    for (const { path, allow } of methods(routes, prefix)) {
      app.all(path, (c) => responseOf(c.req.method === "GET" ? notFound : wrongMethod(allow)));
    }
    for (const { path, why } of absent) {
      app.all(`${prefix}${path}`, () => responseOf(notOffered(why)));
    }
  }
  app.all("*", () => responseOf(notFound));
  return app;

  async function socket(c: ComfyContext, next: () => Promise<void>): Promise<Response> {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      return responseOf(text('Can "Upgrade" only to "WebSocket".', 400));
    }
    const studio = c.get("studio");
    studio.demand("read");
    const { name } = studio.caller;
    const audience = audiences.get(name) ?? new Audience(studio, parts.log);
    audiences.set(name, audience);
    await audience.prepare();
    const clientId = c.req.query("clientId") ?? "";
    const upgrade = upgradeWebSocket(() => ({
      onOpen: (_, { raw }) => {
        // What `ws` made, which is what listens here.
        const opened = raw as WebSocket;
        audience.accept(opened, clientId, () => {
          if (audiences.get(name) === audience) audiences.delete(name);
        });
      },
    }));
    // Hono's middleware types say void where a response is.
    return ((await upgrade(c, next)) ?? responseOf(empty(500))) as Response;
  }
}

/** A page of another site whose browser sends no origin along, as with an image or a form. */
function isForeignPage(c: ComfyContext): boolean {
  const isOther = c.req.header("sec-fetch-site") === "cross-site";
  return isOther && c.req.header("origin") === undefined;
}

async function answer(c: ComfyContext, handle: Handler): Promise<Response> {
  try {
    const reply = await handle(c);
    return reply instanceof Response ? reply : responseOf(reply);
  } catch (error) {
    // Where ComfyUI raises, also over JSON that is none, its web server says no more than this.
    if (error instanceof PythonError || error instanceof SyntaxError)
      return responseOf(serverError);
    throw error;
  }
}

export function responseOf({ status, headers, body }: Reply): Response {
  const content = typeof body === "string" ? body || null : new Uint8Array(body);
  return new Response(content, { status, headers });
}

function methods(routes: readonly Route[], prefix: string): { path: string; allow: string }[] {
  const byPath = new Map<string, string[]>();
  for (const { path, method, prefixed } of routes) {
    if (prefix === "" && prefixed) continue;
    const known = byPath.get(path) ?? [];
    byPath.set(path, [...known, ...(method === "GET" ? ["GET", "HEAD"] : [method])]);
  }
  return [...byPath].map(([path, allow]) => ({
    path: `${prefix}${path}`,
    allow: allow.sort().join(","),
  }));
}
