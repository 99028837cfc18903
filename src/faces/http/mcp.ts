import { Hono } from "hono";
import { rpcError, type Sessions } from "../mcp/sessions.ts";
import { type HttpEnv, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Refusal } from "./refusal.ts";

/** MCP over Streamable HTTP at `/mcp`; refusals are errors of JSON-RPC. */
export function mcpFace(sessions: Sessions): Face {
  const app = new Hono<HttpEnv>();
  app.all("/", (c) => sessions.handle(c.req.raw, studioOf(c).through("mcp")));
  return { path: "/mcp", app, access: "key", refuse, longestBody: Number.POSITIVE_INFINITY };
}

/** As JSON-RPC 2.0 has them; -32000 is for whatever a server means. */
const invalidRequest = -32600;
const internalError = -32603;
const serverError = -32000;

function refuse({ status, message, headers }: Refusal): Response {
  const ofRequest = status === 400 ? invalidRequest : serverError;
  return rpcError(status, status >= 500 ? internalError : ofRequest, message, headers);
}
