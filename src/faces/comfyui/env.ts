import type { Context } from "hono";
import type { Reply } from "../../as-comfyui/reply.ts";
import type { Log } from "../../log.ts";
import type { Prompts } from "../../studio/prompts.ts";
import type { Studio } from "../../studio/studio.ts";

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
  return withExactIntegers(await c.req.text());
}

/** As `jsonOf`; undefined for what is no JSON. */
export function jsonOrNothing(c: ComfyContext): Promise<unknown> {
  return jsonOf(c).catch(() => undefined);
}

const stringsAndNumbers = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Whole numbers beyond 2^53 (seeds go up to 2^64 - 1) become text, which ComfyUI reads as the very
 * same number; a number of JavaScript would be another one.
 */
function withExactIntegers(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(
    text.replace(stringsAndNumbers, (token) =>
      /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
    ),
  );
}
