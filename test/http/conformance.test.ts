import { execFile } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { startHttp } from "../support/http.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

const root = path.resolve(import.meta.dirname, "../..");
const suite = path.join(root, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
const here = path.join(root, "test/conformance");

/** The suite's exit code and what it printed. */
function runSuite(url: string, folder: string): Promise<{ code: number; output: string }> {
  const args = [
    "--import",
    path.join(here, "register.mjs"),
    suite,
    "server",
    "--url",
    url,
    "--expected-failures",
    path.join(here, "expected-failures.yml"),
    "-o",
    folder,
  ];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

test("MCP's conformance suite passes over HTTP, but for what has a reason", async () => {
  const world = await startApp((await startEmulator()).url);
  const { url } = await startHttp(world);

  const { code, output } = await runSuite(`${url}/mcp`, await tempDir());

  // An expected failure that passes is an error to the suite as well.
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
