import { Hono } from "hono";
import { type McpHttp, rpcCodes, rpcError } from "../mcp/http.ts";
import { type HttpEnv, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Refusal } from "./refusal.ts";

/** MCP over Streamable HTTP at `/mcp`, in every revision; refusals are errors of JSON-RPC. */
export function mcpFace(mcp: McpHttp): Face {
  const app = new Hono<HttpEnv>();
  app.all("/", (c) => mcp.handle(c.req.raw, studioOf(c).through("mcp")));
  return { path: "/mcp", app, access: "key", refuse, longestBody: Number.POSITIVE_INFINITY };
}

function refuse({ status, message, headers }: Refusal): Response {
  const ofRequest = status === 400 ? rpcCodes.invalidRequest : rpcCodes.server;
  return rpcError(status, status >= 500 ? rpcCodes.internal : ofRequest, message, headers);
}
