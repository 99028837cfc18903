import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { Deps } from "./deps.ts";
import { createMcpServer } from "./server.ts";

/**
 * A base64 picture as an argument makes a long line. The SDK joins it chunk by chunk, in time that
 * grows with its square, during which nothing else is answered.
 */
const longestLineBytes = 16 * 1024 * 1024;

/** Serves MCP on stdin and stdout and resolves when the client has gone. */
export async function serveStdio(deps: Deps): Promise<void> {
  const mcp = createMcpServer(deps);
  const gone = new Promise<void>((resolve) => {
    // The SDK's transport notices neither the end of stdin nor a broken pipe.
    process.stdin.once("end", resolve);
    process.stdin.once("close", resolve);
    process.stdout.once("error", resolve);
  });
  const ended = new Promise<void>((resolve) => {
    // The transport closes itself, without a word and with stdin paused, at a line that is too long.
    const onclose = mcp.server.onclose;
    mcp.server.onclose = () => {
      onclose?.();
      resolve();
    };
  });
  mcp.server.onerror = (error) => deps.log.warn(`mcp: ${error.message}`);
  await mcp.connect(
    new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: longestLineBytes }),
  );
  await Promise.race([gone, ended]);
  await mcp.close();
}
