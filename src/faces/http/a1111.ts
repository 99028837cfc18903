import { Hono } from "hono";
import { errorBody } from "../a1111/problems.ts";
import { a1111Api, a1111App } from "../a1111/routes.ts";
import { type HttpEnv, mounted, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Foreign } from "./foreign.ts";
import type { Refusal } from "./refusal.ts";

/** Pictures as base64 in a call, and what is around them. */
const longestBody = 200 * 1024 * 1024;

/** The API of AUTOMATIC1111's web UI; its clients cut a prefix off, so most need the port of its own. */
export function a1111Faces(): Foreign {
  const face = (path: string, app: Hono<HttpEnv>): Face => ({
    ...{ path, app: withStudio().route("/", app) },
    ...{ access: "key", refuse, longestBody },
  });
  return {
    option: "a1111Port",
    shared: [face("/sdapi/v1", mounted(a1111Api()))],
    alone: [face("/", mounted(a1111App()))],
  };
}

function withStudio(): Hono<HttpEnv> {
  return new Hono<HttpEnv>().use(async (c, next) => {
    const client = c.req.header("user-agent")?.slice(0, 60);
    c.set("studio", studioOf(c).through("a1111", client).alone());
    await next();
  });
}

/** Its clients know no other way to log in than Basic. */
function refuse({ status, message, headers }: Refusal): Response {
  const login = status === 401 ? { "WWW-Authenticate": "Basic" } : {};
  return Response.json(errorBody(message), { status, headers: { ...headers, ...login } });
}
