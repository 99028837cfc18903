import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { cli, initialize, startRaw, toolCall } from "../support/child.ts";
import { connectTo } from "../support/http.ts";
import { call, startEmulator, tempDir } from "../support/world.ts";

const run = promisify(execFile);
const served = /serves (http:\/\/\S+)\/ \(the page\) and \S+\/mcp$/;

async function startServer(args: string[]) {
  const server = startRaw(["--http", "--port", "0", ...args, "--data-dir", await tempDir()]);
  const urlIn = () => server.errors.map((line) => served.exec(line)?.[1]).find(Boolean);
  await expect.poll(urlIn).toBeDefined();
  return { ...server, url: String(urlIn()) };
}

test("--http says its URL on stderr, serves, and leaves stdout alone", async () => {
  const server = await startServer(["--demo", "--auth-token", "ann:token-of-ann-0123456789"]);
  const client = await connectTo(server.url, { "X-API-Key": "token-of-ann-0123456789" });

  const made = await call(client, "generate_image", { prompt: "a fox", width: 64, height: 64 });
  await client.close();
  server.child.kill("SIGTERM");

  expect(made.text).toMatch(/^Done: task/);
  expect(await server.exited).toBe(0);
  expect(server.lines).toEqual([]);
});

test("--tools narrows what is offered over stdio too, and a name that is none is said", async () => {
  const server = startRaw([
    "--demo",
    ...["--tools", "minimal,list_task", "--data-dir", await tempDir()],
  ]);
  server.send(initialize);
  await server.answer("init");
  server.send({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  server.send(toolCall(2, "delete_tasks", {}));

  const { tools } = (await server.answer(1))["result"] as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).toEqual([
    "generate_image",
    "img2img",
    "task_status",
    "get_image",
  ]);
  expect(JSON.stringify(await server.answer(2))).toContain("delete_tasks is not offered here");
  expect(server.errors.join("\n")).toMatch(
    /--tools \(EASEL_TOOLS\): there is no tool .*Did you mean list_tasks/,
  );
});

test("SIGTERM ends it within moments, and whoever waits is told", async () => {
  const emulator = await startEmulator();
  const server = await startServer(["--comfyui-url", emulator.url]);
  const hold = emulator.hold("VAEDecode");
  const headers = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
  };
  const post = (message: object, more: Record<string, string> = {}) =>
    fetch(`${server.url}/mcp`, {
      method: "POST",
      headers: { ...headers, ...more },
      body: JSON.stringify(message),
    });
  const opened = await post(initialize);
  await opened.text();
  const session = { "Mcp-Session-Id": String(opened.headers.get("mcp-session-id")) };
  const listening = await fetch(`${server.url}/mcp`, {
    headers: { Accept: "text/event-stream", ...session },
  });
  const waiting = await post(toolCall(1, "generate_image", { prompt: "x" }), session);
  await hold.reached;

  server.child.kill("SIGTERM");

  expect(await waiting.text()).toContain("The server is stopping");
  expect(await listening.text()).toBe("");
  expect(await server.exited).toBe(0);
  hold.release();
});

test.for<[args: string[], says: RegExp]>([
  [["--host", "0.0.0.0"], /^--host \(EASEL_HOST\): .*--auth-token .*--allow-anonymous/],
  [["--auth-token", "ann:short"], /^--auth-token \(EASEL_AUTH_TOKEN\): the token of ann/m],
  [["--port", "eighty"], /^--port \(EASEL_PORT\): expected a number/],
])("--http %s does not start", async ([args, says]) => {
  const dir = await tempDir();
  const refused = await run(process.execPath, [cli, "--http", ...args, "--data-dir", dir]).catch(
    (error: { code: number; stderr: string }) => error,
  );

  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(says) });
});

test("a port that is taken is said, with the way out", async () => {
  const server = await startServer(["--demo"]);
  const { port } = new URL(server.url);
  const refused = await run(process.execPath, [
    cli,
    ...["--http", "--demo", "--port", port, "--data-dir", await tempDir()],
  ]).catch((error: { code: number; stderr: string }) => error);

  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("EADDRINUSE") });
});
