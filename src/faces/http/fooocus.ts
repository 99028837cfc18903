import { Hono } from "hono";
import type { FooocusParts } from "../fooocus/env.ts";
import { fooocusApp, prefixes } from "../fooocus/routes.ts";
import { type HttpEnv, mounted, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Foreign } from "./foreign.ts";
import type { Refusal } from "./refusal.ts";

/** Pictures as base64 in a call, and what is around them. */
const longestBody = 200 * 1024 * 1024;

/** FooocusAPI's addresses, and those of the older Fooocus-API. */
export function fooocusFaces(parts: FooocusParts): Foreign {
  const face = (path: string): Face => ({
    path,
    app: withStudio().route("/", mounted(fooocusApp(parts, path))),
    access: "key",
    refuse,
    longestBody,
  });
  return { option: "fooocusPort", shared: prefixes.map(face), alone: [face("/")] };
}

function withStudio(): Hono<HttpEnv> {
  return new Hono<HttpEnv>().use(async (c, next) => {
    c.set("studio", studioOf(c).through("fooocus"));
    await next();
  });
}

/** FastAPI's shape. */
function refuse({ status, message, headers }: Refusal): Response {
  return Response.json({ detail: message }, { status, headers });
}
