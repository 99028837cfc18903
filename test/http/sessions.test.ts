import { describe, expect, test } from "vitest";
import { initialize, toolCall } from "../support/child.ts";
import { connectTo, sessionsOpen, startHttp } from "../support/http.ts";
import { call, startApp, startEmulator, taskIdIn } from "../support/world.ts";

const [annToken, bobToken] = ["token-of-ann-0123456789", "token-of-bob-0123456789"];
const keys = [`ann:${annToken}`, `bob:${bobToken}`];

async function serve(config: Parameters<typeof startHttp>[1] = {}) {
  const emulator = await startEmulator();
  const world = await startApp(emulator.url);
  const server = await startHttp(world, config);
  return { emulator, world, server, url: `${server.url}/mcp` };
}

function post(url: string, message: unknown, headers: Record<string, string> = {}) {
  return fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      ...headers,
    },
    body: typeof message === "string" ? message : JSON.stringify(message),
  });
}

async function open(url: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await post(url, initialize, headers);
  await answer.text();
  return String(answer.headers.get("mcp-session-id"));
}

const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };

describe("a session", () => {
  test("is opened by initialize, and gone after DELETE", async () => {
    const { url } = await serve();
    const id = await open(url);
    const session = { "Mcp-Session-Id": id };
    expect((await post(url, list, session)).status).toBe(200);

    expect((await fetch(url, { method: "DELETE", headers: session })).status).toBe(200);

    const after = await post(url, list, session);
    expect(after.status).toBe(404);
    expect(await after.json()).toMatchObject({ jsonrpc: "2.0", error: { code: -32001 }, id: null });
  });

  test("answers only the key that opened it; to another it looks like none", async () => {
    const { url } = await serve({ authTokens: keys });
    const id = await open(url, { "X-API-Key": annToken });
    const asBob = { "X-API-Key": bobToken };

    const foreign = await post(url, list, { ...asBob, "Mcp-Session-Id": id });
    const unknown = await post(url, list, { ...asBob, "Mcp-Session-Id": crypto.randomUUID() });

    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    expect(await foreign.text()).toBe(await unknown.text());
    expect((await post(url, list, { "Mcp-Session-Id": id })).status).toBe(401);
    const own = { "X-API-Key": annToken, "Mcp-Session-Id": id };
    expect((await post(url, list, own)).status).toBe(200);
  });

  test("ends when its client has been silent for the idle time", async () => {
    const { url, server, world } = await serve({ sessionIdleSeconds: 0.05 });
    const id = await open(url);

    await expect.poll(() => sessionsOpen(server.url)).toBe(0);

    expect((await post(url, list, { "Mcp-Session-Id": id })).status).toBe(404);
    expect(world.log.lines.filter((line) => line.includes(" error "))).toEqual([]);
  });

  test("lives while its client listens, however silent", async () => {
    const { url, server } = await serve({ sessionIdleSeconds: 2 });
    const id = await open(url);
    const stop = new AbortController();
    const stream = await fetch(url, {
      headers: { Accept: "text/event-stream", "Mcp-Session-Id": id },
      signal: stop.signal,
    });
    expect(stream.status).toBe(200);
    await open(url);
    expect(await sessionsOpen(server.url)).toBe(2);

    await expect.poll(() => sessionsOpen(server.url)).toBe(1);

    expect((await post(url, list, { "Mcp-Session-Id": id })).status).toBe(200);
    stop.abort();
    await expect.poll(() => sessionsOpen(server.url)).toBe(0);
  });

  test("makes room for a new one when it is idle, and not while it is in use", async () => {
    const { url, emulator } = await serve({ maxSessions: 2 });
    const [first, second] = [await open(url), await open(url)];
    const hold = emulator.hold("VAEDecode");
    const busy = await post(url, toolCall(7, "generate_image", { prompt: "x" }), {
      "Mcp-Session-Id": first,
    });
    await hold.reached;

    const third = await open(url);
    expect((await post(url, list, { "Mcp-Session-Id": second })).status).toBe(404);
    const listening = await fetch(url, {
      headers: { Accept: "text/event-stream", "Mcp-Session-Id": third },
    });
    const refused = await post(url, initialize);

    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await refused.json()).toMatchObject({
      error: { message: expect.stringMatching(/2 sessions/) },
    });
    hold.release();
    expect(await busy.text()).toContain("Done: task");
    await listening.body?.cancel();
  });

  test("tells whoever waits when the server stops; the task goes on", async () => {
    const { url, emulator, server, world } = await serve();
    const id = await open(url);
    const hold = emulator.hold("VAEDecode");
    const waiting = await post(url, toolCall(7, "generate_image", { prompt: "x" }), {
      "Mcp-Session-Id": id,
    });
    await hold.reached;

    await server.close();

    expect(await waiting.text()).toContain("The server is stopping. A task that was made goes on");
    hold.release();
    const { tasks } = await world.deps.studio.list({}, 10);
    expect(tasks).toHaveLength(1);
    expect((await world.deps.studio.wait(String(tasks[0]?.id), 30_000)).state).toBe("completed");
  });
});

test("a client that drops its call's stream lets the task go on", async () => {
  const { url, emulator, world } = await serve();
  const id = await open(url);
  const hold = emulator.hold("VAEDecode");
  const gone = new AbortController();
  const call = fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "Mcp-Session-Id": id,
    },
    body: JSON.stringify(toolCall(7, "generate_image", { prompt: "x" })),
    signal: gone.signal,
  });
  await call;
  await hold.reached;
  gone.abort();
  hold.release();

  const [task] = (await world.deps.studio.list({}, 1)).tasks;
  expect((await world.deps.studio.wait(String(task?.id), 30_000)).state).toBe("completed");
});

test("progress comes on the stream of the call it is about", async () => {
  const { server } = await serve();
  const client = await connectTo(server.url);

  const [a, b] = await Promise.all([
    call(client, "generate_image", { prompt: "a", width: 64, height: 64 }),
    call(client, "generate_image", { prompt: "b", width: 64, height: 64 }),
  ]);

  for (const answer of [a, b]) {
    expect(answer.text).toMatch(/^Done: task/);
    expect(answer.progress.at(-1)?.progress).toBe(1);
  }
  expect(taskIdIn(a.text)).not.toBe(taskIdIn(b.text));
});

describe("a message that is wrong is an error of JSON-RPC", () => {
  const accept = "application/json, text/event-stream";
  test.for<[what: string, init: RequestInit, status: number]>([
    ["no JSON", { method: "POST", body: "{" }, 400],
    ["no JSON-RPC", { method: "POST", body: "[1]" }, 400],
    ["no session", { method: "POST", body: JSON.stringify(list) }, 400],
    ["no session to listen to", { method: "GET" }, 400],
    ["another type", { method: "POST", body: "x", headers: { "Content-Type": "text/plain" } }, 415],
    ["a verb that is none", { method: "PUT", body: "{}", headers: { "Mcp-Session-Id": "x" } }, 404],
    ["a session id with path tricks", { headers: { "Mcp-Session-Id": "../..%2F" } }, 404],
  ])("%s", async ([, init, status]) => {
    const { url } = await serve();
    const answer = await fetch(url, {
      ...init,
      headers: { Accept: accept, "Content-Type": "application/json", ...init.headers },
    });

    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({
      jsonrpc: "2.0",
      error: { code: expect.any(Number), message: expect.any(String) },
      id: null,
    });
  });

  test("a body of 80 MB", async () => {
    const { url } = await serve();
    const answer = await post(url, `"${"x".repeat(80_000_000)}"`);

    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ jsonrpc: "2.0", id: null });
  });
});

test("a picture of 45 MB gets through as base64", async () => {
  const { server } = await serve();
  const client = await connectTo(server.url);
  const answer = await call(client, "img2img", {
    prompt: "x",
    image: Buffer.alloc(45_000_000, 7).toString("base64"),
  });

  // It came as far as the decoder.
  expect(answer.isError).toBe(true);
  expect(answer.text).toMatch(/^image: .*(format|picture|read)/);
});
