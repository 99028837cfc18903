import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { StdioClientTransport as NewestStdio } from "@modelcontextprotocol/client/stdio";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { onTestFinished } from "vitest";
import { type Client, connectBy, type Revision } from "./client.ts";

export const cli = path.resolve(import.meta.dirname, "../../dist/cli.js");

/** The built server as a child of the SDK's own stdio client. */
export async function connectStdio(
  args: string[],
  {
    cwd,
    nodeArgs = [],
    revision = "2025-11-25",
  }: { cwd?: string; nodeArgs?: string[]; revision?: Revision } = {},
): Promise<Client> {
  const Transport = revision === "2026-07-28" ? NewestStdio : StdioClientTransport;
  const client = await connectBy(
    revision,
    new Transport({
      command: process.execPath,
      args: [...nodeArgs, cli, ...args],
      stderr: "ignore",
      ...(cwd ? { cwd } : {}),
    }),
  );
  onTestFinished(() => client.close());
  return client;
}

export interface RawServer {
  child: ChildProcessWithoutNullStreams;
  /** Every line of stdout so far. */
  lines: string[];
  errors: string[];
  send(message: object | string): void;
  /** The answer to a request id. */
  answer(id: number | string): Promise<Record<string, unknown>>;
  exited: Promise<number | null>;
}

export interface StartOptions {
  cwd?: string;
  /** Instead of node itself: a command that starts it, and what comes before the script. */
  command?: string;
  before?: string[];
}

/** The built server with bare pipes, for what an SDK client would never do. */
export function startRaw(args: string[], options: StartOptions = {}): RawServer {
  const { cwd, command = process.execPath, before = [] } = options;
  const child = spawn(command, [...before, cli, ...args], { ...(cwd ? { cwd } : {}) });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const lines: string[] = [];
  const errors: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
  child.stdin.on("error", () => {
    // The test may outlive the child.
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return {
    child,
    lines,
    errors,
    exited,
    send: (message) =>
      child.stdin.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`),
    async answer(id) {
      for (;;) {
        const found = lines.map((line) => JSON.parse(line)).find((message) => message.id === id);
        if (found) return found;
        await once(reader, "line");
      }
    },
  };
}

export const initialize = {
  jsonrpc: "2.0",
  id: "init",
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "raw", version: "1" },
  },
};

export function toolCall(id: number, name: string, args: object, progressToken?: number | string) {
  return {
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: {
      name,
      arguments: args,
      ...(progressToken === undefined ? {} : { _meta: { progressToken } }),
    },
  };
}
