import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, rm } from "node:fs/promises";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import { median, spread, timed } from "./figures.ts";

const rounds = 15;
const root = path.resolve(import.meta.dirname, "..");

const clientInfo = { name: "bench", version: "1.0.0" };
const hello = {
  initialize: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo },
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

/** From the start of the process to the first answer, with one revision of MCP in the package and with both. */
export async function coldStart(dir: string): Promise<void> {
  // Below the packages that the bundle leaves outside.
  const built = path.join(root, "node_modules/.cache/comfy-easel-cold-start");
  const both = await packageIn(path.join(built, "both"), []);
  const one = await packageIn(path.join(built, "one"), [withoutNewest]);
  const times: Record<"one" | "both" | "newest", number[]> = { one: [], both: [], newest: [] };
  for (let i = -2; i < rounds; i += 1) {
    const measured = {
      one: await firstAnswer(one, dir, "initialize"),
      both: await firstAnswer(both, dir, "initialize"),
      newest: await firstAnswer(both, dir, "server/discover"),
    };
    // The first rounds fill the caches of the disk.
    if (i < 0) continue;
    for (const name of ["one", "both", "newest"] as const) times[name].push(measured[name]);
  }
  await rm(built, { recursive: true, force: true });
  const [alone, together] = [median(times.one), median(times.both)];
  console.log(
    `cold start to initialize: ${together.toFixed(0)} ms with both revisions of MCP (${spread(times.both)}), ` +
      `${alone.toFixed(0)} ms with one (${spread(times.one)}), ratio ${(together / alone).toFixed(2)}; ` +
      `to server/discover ${median(times.newest).toFixed(0)} ms (${spread(times.newest)})`,
  );
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

function firstAnswer(cli: string, dir: string, method: keyof typeof hello): Promise<number> {
  const args = ["--comfyui-url", "http://127.0.0.1:9", "--data-dir", path.join(dir, "data")];
  return timed(async () => {
    const child = spawn(process.execPath, [cli, ...args, "--log-level", "silent"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const params = hello[method];
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })}\n`);
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
  });
}
