import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { messageOf } from "../../errors.ts";
import { megabytes } from "../../words.ts";
import { Connection } from "./connection.ts";
import type { Deps } from "./deps.ts";
import { LineGuard } from "./line-guard.ts";
import { type Message, rpcCodes } from "./rpc.ts";

/** The largest picture that is taken (50 MB) as base64, with a mask of some size beside it. */
const longestLineBytes = 72 * 1024 * 1024;

export interface Streams {
  input: Readable;
  output: Writable;
}

/**
 * Serves MCP on stdin and stdout. Resolves when the client has gone or at `stop`; no call is
 * answered from then on, so that whatever is closed next cannot answer wrongly.
 */
export async function serveStdio(
  deps: Deps,
  stop: AbortSignal,
  { input, output }: Streams = { input: process.stdin, output: process.stdout },
): Promise<void> {
  const { log } = deps;
  let isOpen = true;
  const write = async (message: Message) => {
    if (!isOpen) throw new Error("The client has gone.");
    if (!output.write(`${JSON.stringify(message)}\n`)) await once(output, "drain");
  };
  const connection = new Connection(deps, write);
  const lines = new LineGuard({
    longest: longestLineBytes,
    dropped: (id, bytes) => {
      const message = `This message of ${megabytes(bytes)} is too long; at most ${megabytes(longestLineBytes)} are read. Instead of a picture's data send its path or a URL.`;
      log.warn(`mcp: ${message}`);
      if (id === undefined) return;
      const error = { code: rpcCodes.invalidRequest, message };
      write({ jsonrpc: "2.0", id, error }).catch((failure) =>
        log.warn(`mcp: ${messageOf(failure)}`),
      );
    },
  });
  // The guard hands on whole lines.
  lines.on("data", (line: Buffer) => {
    const message = parsed(line);
    if (message) connection.receive(message);
    else if (line.length > 1) log.warn("mcp: a line that is no JSON-RPC was left out.");
  });
  const over = new Promise<void>((resolve) => {
    const settle = () => void connection.settled().then(resolve);
    for (const event of ["end", "close"]) input.once(event, settle);
    output.once("error", () => resolve());
    stop.addEventListener("abort", () => resolve(), { once: true });
    if (stop.aborted) resolve();
  });
  input.pipe(lines);
  await over;
  isOpen = false;
  await connection.close();
  input.unpipe(lines);
  input.pause();
  // A client that keeps its end open must not hold the process.
  if ("unref" in input && typeof input.unref === "function") input.unref();
}

function parsed(line: Buffer): Message | undefined {
  try {
    const message: unknown = JSON.parse(line.toString("utf8"));
    const isObject = typeof message === "object" && message !== null && !Array.isArray(message);
    return isObject ? (message as Message) : undefined;
  } catch {
    return undefined;
  }
}
