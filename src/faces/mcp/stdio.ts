import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../errors.ts";
import { megabytes } from "../../words.ts";
import type { Deps } from "./deps.ts";
import { LineGuard } from "./line-guard.ts";
import { createMcpServer } from "./server.ts";

/** The largest picture that is taken (50 MB) as base64, with a mask of some size beside it. */
const longestLineBytes = 72 * 1024 * 1024;

/**
 * Serves MCP on stdin and stdout. Resolves when the client has gone or at `stop`; no call is
 * answered from then on, so that whatever is closed next cannot answer wrongly.
 */
export async function serveStdio(deps: Deps, stop: AbortSignal): Promise<void> {
  const mcp = createMcpServer(deps);
  mcp.server.onerror = (error) => deps.log.warn(`mcp: ${error.message}`);
  const lines = new LineGuard({
    longest: longestLineBytes,
    dropped: (id, bytes) => {
      const message = `This message of ${megabytes(bytes)} is too long; at most ${megabytes(longestLineBytes)} are read. Instead of a picture's data send its path or a URL.`;
      deps.log.warn(`mcp: ${message}`);
      if (id === undefined) return;
      const error = { code: ErrorCode.InvalidRequest, message };
      transport
        .send({ jsonrpc: "2.0", id, error })
        .catch((failure) => deps.log.warn(`mcp: ${messageOf(failure)}`));
    },
  });
  // The guard hands on whole lines, so the SDK's buffer has nothing to join.
  const transport = new StdioServerTransport(lines, process.stdout, {
    maxBufferSize: Number.POSITIVE_INFINITY,
  });
  const over = new Promise<void>((resolve) => {
    // The SDK's transport notices neither the end of stdin nor a broken pipe.
    for (const event of ["end", "close"]) process.stdin.once(event, resolve);
    process.stdout.once("error", () => resolve());
    stop.addEventListener("abort", () => resolve(), { once: true });
    if (stop.aborted) resolve();
  });
  await mcp.connect(transport);
  process.stdin.pipe(lines);
  await over;
  await mcp.close();
  process.stdin.unpipe(lines);
  process.stdin.pause();
  // A client that keeps its end open must not hold the process.
  if ("unref" in process.stdin && typeof process.stdin.unref === "function") process.stdin.unref();
}
