import { Hono } from "hono";
import type { Log } from "../../log.ts";
import { mountedAt } from "../comfyv2/env.ts";
import { envelope } from "../comfyv2/problems.ts";
import { comfyV2Api } from "../comfyv2/routes.ts";
import { type HttpEnv, mounted, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Refusal, RefusalStatus } from "./refusal.ts";

/** The API expects uploads of about 100 MB. */
const longestBody = 200 * 1024 * 1024;

/** Comfy API v2, for clients whose base URL is that of this server. */
export function comfyV2Face(log: Log): Face {
  const app = new Hono<HttpEnv>().use(async (c, next) => {
    c.set("studio", studioOf(c));
    await next();
  });
  app.route("/", mounted(comfyV2Api(log)));
  return { path: mountedAt, app, access: "key", refuse, longestBody };
}

const codes: Partial<Record<RefusalStatus, string>> = { 429: "rate_limited" };

function refuse({ status, code, message, headers }: Refusal): Response {
  return Response.json(envelope(codes[status] ?? code, message), { status, headers });
}
