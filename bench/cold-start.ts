import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, rm } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { build, type Plugin } from "esbuild";
import { median, spread } from "./figures.ts";

const rounds = 15;
const root = path.resolve(import.meta.dirname, "..");

const clientInfo = { name: "bench", version: "1.0.0" };
const hello = {
  initialize: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo },
  "tools/list": {},
  "server/discover": {
    _meta: {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": clientInfo,
      "io.modelcontextprotocol/clientCapabilities": {},
    },
  },
};

/** A build that knows the earlier revisions of MCP alone. */
const withoutNewest: Plugin = {
  name: "without-newest",
  setup: ({ onLoad }) =>
    onLoad({ filter: /faces.mcp.sdk2\.ts$/ }, () => ({ contents: "", loader: "ts" })),
};

const servers = ["bare", "one", "both"] as const;

/**
 * From the start of the process to the answers of `initialize` and `tools/list`: with one revision of
 * MCP in the package and with both, beside a server of the SDK with one tool and nothing bundled.
 */
export async function coldStart(dir: string): Promise<void> {
  // Below the packages that the bundle leaves outside.
  const built = path.join(root, "node_modules/.cache/comfy-easel-cold-start");
  const own = ["--comfyui-url", "http://127.0.0.1:9", "--data-dir", path.join(dir, "data")];
  const options = [...own, "--log-level", "silent"];
  const commands = {
    bare: [path.join(root, "bench/bare-server.mjs")],
    one: [await packageIn(path.join(built, "one"), [withoutNewest]), ...options],
    both: [await packageIn(path.join(built, "both"), []), ...options],
  };
  const times = servers.map((server) => {
    const initialize: number[] = [];
    const tools: number[] = [];
    return { server, initialize, tools };
  });
  const newest: number[] = [];
  for (let i = -2; i < rounds; i += 1) {
    for (const { server, initialize, tools } of times) {
      const [first = 0, second = 0] = await answers(commands[server], ["initialize", "tools/list"]);
      // The first rounds fill the caches of the disk.
      if (i >= 0) initialize.push(first);
      if (i >= 0) tools.push(second);
    }
    const [discovered = 0] = await answers(commands.both, ["server/discover"]);
    if (i >= 0) newest.push(discovered);
  }
  await rm(built, { recursive: true, force: true });
  for (const method of ["initialize", "tools"] as const) {
    const [bare = [], one = [], both = []] = times.map((each) => each[method]);
    const ratio = (to: number[]) => (median(both) / median(to)).toFixed(2);
    console.log(
      `cold start to ${method === "tools" ? "tools/list" : method}: ${median(both).toFixed(0)} ms (${spread(both)}), ` +
        `with one revision of MCP ${median(one).toFixed(0)} ms (${spread(one)}): ratio ${ratio(one)}, ` +
        `a bare server of the SDK ${median(bare).toFixed(0)} ms (${spread(bare)}): ratio ${ratio(bare)}`,
    );
  }
  console.log(`cold start to server/discover: ${median(newest).toFixed(0)} ms (${spread(newest)})`);
}

/** The bundle as it is shipped, beside what it reads. */
async function packageIn(dir: string, plugins: Plugin[]): Promise<string> {
  await build({
    absWorkingDir: root,
    entryPoints: { cli: "src/cli.ts" },
    outdir: path.join(dir, "dist"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.18",
    mainFields: ["module", "main"],
    external: ["sharp", "@keyv/sqlite"],
    banner: {
      js: 'import { createRequire as nodeRequire } from "node:module";const require = nodeRequire(import.meta.url);',
    },
    logLevel: "error",
    plugins,
  });
  for (const name of ["workflows", "styles", "package.json"]) {
    await cp(path.join(root, name), path.join(dir, name), { recursive: true });
  }
  return path.join(dir, "dist/cli.js");
}

/** Milliseconds from the start of the process to each answer, asked one after the other. */
async function answers(
  command: readonly string[],
  methods: readonly (keyof typeof hello)[],
): Promise<number[]> {
  const began = performance.now();
  const child = spawn(process.execPath, command, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const times: number[] = [];
  for (const [i, method] of methods.entries()) {
    const request = { jsonrpc: "2.0", id: i, method, params: hello[method] };
    child.stdin.write(`${JSON.stringify(request)}\n`);
    await once(lines, "line");
    times.push(performance.now() - began);
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  return times;
}
