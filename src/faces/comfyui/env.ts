import type { Context } from "hono";
import type { Reply } from "../../as-comfyui/reply.ts";
import type { Log } from "../../log.ts";
import type { Prompts } from "../../studio/prompts.ts";
import type { Studio } from "../../studio/studio.ts";
import { exactJson } from "../shared/body.ts";

/** What is known of a request here. */
export interface ComfyEnv {
  Variables: { studio: Studio };
}

export type ComfyContext = Context<ComfyEnv>;

export interface ComfyParts {
  log: Log;
}

export type Handler = (c: ComfyContext) => Promise<Reply | Response> | Reply | Response;

export interface Route {
  method: "GET" | "POST";
  /** `/history/:id`; it is there with the prefix `/api` too. */
  path: string;
  /** Only with the prefix. */
  prefixed?: true;
  handle: Handler;
}

export function promptsOf(c: ComfyContext): Prompts {
  return c.get("studio").prompts;
}

/** The body as JSON, whatever its Content-Type says; throws when it is none. */
export async function jsonOf(c: ComfyContext): Promise<unknown> {
  return exactJson(await c.req.text());
}

/** As `jsonOf`; undefined for what is no JSON. */
export function jsonOrNothing(c: ComfyContext): Promise<unknown> {
  return jsonOf(c).catch(() => undefined);
}
