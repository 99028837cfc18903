import { execFile } from "node:child_process";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { httpApp } from "../../src/faces/http/app.ts";
import { Callers } from "../../src/faces/http/callers.ts";
import { Keys } from "../../src/faces/http/keys.ts";
import { listen } from "../../src/faces/http/listen.ts";
import { mcpFace } from "../../src/faces/http/mcp.ts";
import { McpHttp } from "../../src/faces/mcp/http.ts";
import type { Surface } from "../../src/faces/mcp/surface.ts";
import { FixtureSurface } from "../conformance/fixtures.ts";
import { startApp, startEmulator, tempDir, type World } from "../support/world.ts";

const root = path.resolve(import.meta.dirname, "../..");
const suite = path.join(root, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
const here = path.join(root, "test/conformance");

/** The suite's exit code and what it printed. */
async function runSuite(url: string, requirements: string) {
  const before = ["--import", path.join(here, "register.mjs"), suite, "server", "--url", url];
  const asked = ["--requirements", requirements];
  const patience = ["--timeout", "120000"];
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    tempDir().then((dir) => {
      const args = [...before, ...asked, ...patience, "-o", dir];
      const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, output: stdout + stderr }),
      );
    }, reject);
  });
}

test.for<[requirements: string, scenarios: string[]]>([
  [
    "2025-11-25",
    [
      "server-initialize",
      "ping",
      "logging-set-level",
      "resources-subscribe",
      "tools-call-elicitation",
    ],
  ],
  [
    "2026-07-28",
    ["caching", "http-header-validation", "server-stateless", "input-required-result-multi-round"],
  ],
])(
  // Thirty scenarios and more, each with pauses of its own.
  "MCP's conformance suite for %s passes",
  { timeout: 300_000 },
  async ([requirements, scenarios]) => {
    const world = await startApp((await startEmulator()).url);
    const url = await serveFixtures(world);

    const { code, output } = await runSuite(`${url}/mcp`, requirements);

    expect(output).not.toContain("Unexpected failures");
    for (const scenario of [
      ...scenarios,
      "tools-list",
      "prompts-list",
      "completion-complete",
      "dns-rebinding-protection",
    ]) {
      expect(output).toMatch(new RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`));
    }
    expect(code).toBe(0);
  },
);

/** Our HTTP, with the suite's own tools, resources and prompts behind it. */
async function serveFixtures({ app, deps, log }: World): Promise<string> {
  const open = new Set<Surface>();
  const chat = new McpHttp({
    deps,
    most: 100,
    idleMs: 60_000,
    log,
    surface: (of) => new FixtureSurface(of, open),
  });
  const callers = new Callers({
    keys: await Keys.read([], {}),
    allowAnonymous: true,
    requestsAtOnce: 100,
    limits: {},
    studio: app.studio,
    imageUrl: (base, id) => `${base}/files/${id}`,
  });
  const guards = { hosts: [], origins: [] };
  const faces = [mcpFace(chat)];
  const address = { host: "127.0.0.1", port: 0, given: "--port" };
  const listening = await listen(httpApp({ guards, callers, faces, log }), address);
  onTestFinished(async () => {
    await chat.close();
    await listening.close();
  });
  return listening.url;
}
