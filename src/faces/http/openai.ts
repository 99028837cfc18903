import { Hono } from "hono";
import type { Log } from "../../log.ts";
import { errorBody } from "../openai/problems.ts";
import { openaiApi } from "../openai/routes.ts";
import { type HttpEnv, mounted, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Refusal } from "./refusal.ts";

/** Sixteen pictures of 50 MB is what OpenAI takes at most; one and a mask is what is used. */
const longestBody = 200 * 1024 * 1024;

/** OpenAI's images API, for clients whose base URL can be set, and at the addresses that Azure has for it. */
export function openaiFace(log: Log): Face {
  const app = new Hono<HttpEnv>().use(async (c, next) => {
    c.set("studio", studioOf(c));
    await next();
  });
  const api = mounted(openaiApi(log));
  app.route("/v1", api).route("/deployments/:deployment", api);
  return { path: "/openai", app, access: "key", refuse, longestBody };
}

function refuse({ status, message, headers }: Refusal): Response {
  return Response.json(errorBody(status, message), { status, headers });
}
