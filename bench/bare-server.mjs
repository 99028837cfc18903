// The least that MCP's SDK serves over stdio: what a cold start is compared with.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "bare", version: "1.0.0" });
server.registerTool(
  "echo",
  { description: "Says it again.", inputSchema: { words: z.string() } },
  ({ words }) => ({ content: [{ type: "text", text: words }] }),
);
await server.connect(new StdioServerTransport());
