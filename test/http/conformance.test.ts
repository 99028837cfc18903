import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { httpApp } from "../../src/faces/http/app.ts";
import { Callers } from "../../src/faces/http/callers.ts";
import { Keys } from "../../src/faces/http/keys.ts";
import { listen } from "../../src/faces/http/listen.ts";
import { mcpFace } from "../../src/faces/http/mcp.ts";
import { McpHttp } from "../../src/faces/mcp/http.ts";
import { FixtureSurface } from "../conformance/fixtures.ts";
import { startHttp } from "../support/http.ts";
import { startApp, startEmulator, tempDir, type World } from "../support/world.ts";

const root = path.resolve(import.meta.dirname, "../..");
const suite = path.join(root, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
const here = path.join(root, "test/conformance");

/** The suite's exit code and what it printed; what is expected to fail must fail. */
async function runSuite(url: string, expected: string) {
  const args = ["--expected-failures", expected, "-o", await tempDir()];
  const before = ["--import", path.join(here, "register.mjs"), suite, "server", "--url", url];
  return new Promise<{ code: number | null; output: string }>((resolve) => {
    const child = execFile(process.execPath, [...before, ...args], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}

test("MCP's conformance suite passes over HTTP, but for what has a reason", async () => {
  const world = await startApp((await startEmulator()).url);
  const { url } = await startHttp(world);

  const { code, output } = await runSuite(`${url}/mcp`, path.join(here, "expected-failures.yml"));

  expect(output).not.toContain("Unexpected failures");
  for (const scenario of [
    "server-initialize",
    "ping",
    "tools-list",
    "server-sse-multiple-streams",
    "resources-list",
    "resources-subscribe",
    "resources-unsubscribe",
    "dns-rebinding-protection",
  ]) {
    expect(output).toMatch(new RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`));
  }
  expect(code).toBe(0);
});

test("all of the suite passes through our sessions and guards with what it asks for", async () => {
  const world = await startApp((await startEmulator()).url);
  const url = await serveFixtures(world);
  const none = path.join(await tempDir(), "none.yml");
  await writeFile(none, "server: []\n");

  const { code, output } = await runSuite(`${url}/mcp`, none);

  expect(output).toMatch(/Total: \d{2} passed, 0 failed/);
  expect(code).toBe(0);
});

/** Our HTTP, with the suite's own tools, resources and prompts behind it. */
async function serveFixtures({ app, deps, log }: World): Promise<string> {
  const chat = new McpHttp({ deps, most: 100, idleMs: 60_000, log, surface: (of) => new FixtureSurface(of) });
  const callers = new Callers({
    keys: await Keys.read([], {}),
    allowAnonymous: true,
    requestsAtOnce: 100,
    limits: {},
    studio: app.studio,
    imageUrl: (base, id) => `${base}/files/${id}`,
  });
  const guards = { hosts: [], origins: [] };
<<<<<<< HEAD
  const faces = [mcpFace(sessions)];
  const address = { host: "127.0.0.1", port: 0, given: "--port" };
=======
  const faces = [mcpFace(chat)];
  const address = { host: "127.0.0.1", port: 0 };
>>>>>>> da469a4 (Serve both eras of MCP from one surface, with prompts and completion)
  const listening = await listen(httpApp({ guards, callers, faces, log }), address);
  onTestFinished(async () => {
    await chat.close();
    await listening.close();
  });
  return listening.url;
}
