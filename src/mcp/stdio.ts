import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { Deps } from "./deps.ts";
import { createMcpServer } from "./server.ts";

/** A base64 picture as an argument makes a long line; the SDK's own limit is 10 MiB. */
const longestLineBytes = 96 * 1024 * 1024;

/** Serves MCP on stdin and stdout and resolves when the client has gone. */
export async function serveStdio(deps: Deps): Promise<void> {
  const mcp = createMcpServer(deps);
  const gone = new Promise<void>((resolve) => {
    // The SDK's transport notices neither the end of stdin nor a broken pipe.
    process.stdin.once("end", resolve);
    process.stdin.once("close", resolve);
    process.stdout.once("error", resolve);
  });
  mcp.server.onerror = (error) => deps.log.debug(`mcp: ${error.message}`);
  await mcp.connect(
    new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: longestLineBytes }),
  );
  await gone;
  await mcp.close();
}
