import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { asked, graphOf, impatientBackend, start } from "../support/comfy.ts";
import { startEmulator } from "../support/world.ts";

const tenMinutes = 600_000;

/** Time goes on by itself, and can be moved. */
beforeEach(() => {
  vi.useFakeTimers({
    shouldAdvanceTime: true,
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Sleeper {
  url: string;
  /** Requests and sockets that came while it slept. */
  knocks: string[];
  asleep: boolean;
  /** WebSockets that are open to it. */
  open(): number;
}

/** Stands before ComfyUI as a proxy that starts it on demand; asleep it answers `status`. */
async function sleeper(target: string, status: number, wakesBy: RegExp): Promise<Sleeper> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Duplex>();
  const state: Sleeper = { url: "", knocks: [], asleep: true, open: () => sockets.size };
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    if (state.asleep) {
      state.knocks.push(`${request.method} ${path}`);
      if (wakesBy.test(path)) state.asleep = false;
      response.writeHead(status, { "content-type": "text/html" }).end("<p>not yet</p>");
      return;
    }
    const upstream = connect(Number(port), hostname, () => {
      const lines = request.rawHeaders.flatMap((name, i, all) =>
        i % 2 || /^connection$/i.test(name) ? [] : [`${name}: ${all[i + 1]}`],
      );
      upstream.write(
        `${request.method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\nconnection: close\r\n\r\n`,
      );
      request.pipe(upstream, { end: false });
      const raw = response.socket;
      if (raw) upstream.pipe(raw);
    });
    upstream.on("error", () => response.destroy());
  });
  server.on("upgrade", (request, socket) => {
    if (state.asleep) {
      state.knocks.push(`socket ${request.url}`);
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    const upstream = connect(Number(port), hostname, () => {
      const lines = request.rawHeaders.flatMap((name, i, all) =>
        i % 2 ? [] : [`${name}: ${all[i + 1]}`],
      );
      upstream.write(`GET ${request.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
    socket.on("close", () => upstream.destroy());
    upstream.on("close", () => socket.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

test("an idle backend asks nothing and holds no socket for ten minutes, then works again", async () => {
  const emulator = await startEmulator();
  const proxy = await sleeper(emulator.url, 503, /never/);
  proxy.asleep = false;
  const backend = impatientBackend(proxy.url);
  expect((await start(backend, graphOf(1)).outcome).kind).toBe("completed");
  expect(proxy.open()).toBe(1);

  await vi.advanceTimersByTimeAsync(61_000);
  await expect.poll(() => proxy.open()).toBe(0);
  proxy.asleep = true;
  await vi.advanceTimersByTimeAsync(tenMinutes);
  expect(proxy.knocks).toEqual([]);

  proxy.asleep = false;
  expect((await start(backend, graphOf(2)).outcome).kind).toBe("completed");
});

test("a socket that is cut while nothing runs is not opened again", async () => {
  const emulator = await startEmulator();
  const proxy = await sleeper(emulator.url, 503, /never/);
  proxy.asleep = false;
  const backend = impatientBackend(proxy.url);
  await start(backend, graphOf(1)).outcome;

  proxy.asleep = true;
  emulator.dropSockets();
  await expect.poll(() => backend.isConnected).toBe(false);
  await vi.advanceTimersByTimeAsync(tenMinutes);

  expect(proxy.knocks).toEqual([]);
});

test("a run that nobody follows any more leaves no waiting behind", async () => {
  const emulator = await startEmulator();
  const proxy = await sleeper(emulator.url, 503, /never/);
  const backend = impatientBackend(proxy.url);
  const run = start(backend, graphOf(1));
  await expect.poll(() => proxy.knocks.length).toBeGreaterThan(1);

  run.end.abort("taken over");
  await expect(run.outcome).rejects.toMatchObject({ name: "AbortError" });
  await vi.advanceTimersByTimeAsync(1_000);
  const before = proxy.knocks.length;
  await vi.advanceTimersByTimeAsync(tenMinutes);

  expect(proxy.knocks).toHaveLength(before);
});

describe("a ComfyUI that sleeps", () => {
  test.for([
    [409, /^\/$/],
    [503, /system_stats/],
    [502, /system_stats/],
  ] as const)("and answers %i is woken by a run", async ([status, wakesBy]) => {
    const emulator = await startEmulator();
    const proxy = await sleeper(emulator.url, status, wakesBy);

    const run = start(impatientBackend(proxy.url), graphOf(1));

    expect((await run.outcome).kind).toBe("completed");
  });

  test("is waited for as long as it may take to start", async () => {
    const emulator = await startEmulator();
    const proxy = await sleeper(emulator.url, 503, /never/);
    const backend = impatientBackend(proxy.url);
    const woken = backend.wake();
    await expect.poll(() => proxy.knocks.length).toBeGreaterThan(2);

    proxy.asleep = false;

    expect((await woken).version).toBe("0.33.0");
  });

  test("and does not come in time is called unreachable", async () => {
    const emulator = await startEmulator();
    const proxy = await sleeper(emulator.url, 503, /never/);

    const woken = impatientBackend(proxy.url, { startPatienceMs: 300 }).wake();

    await expect(woken).rejects.toThrow(/the ComfyUI behind it does not \(status 503/);
  });

  test("is not waited for where nothing listens at all", async () => {
    const emulator = await startEmulator();
    await emulator.stop();

    await expect(impatientBackend(emulator.url).wake()).rejects.toThrow(/nothing is listening/);
  });
});

describe("--free-after", () => {
  const frees = /\/free$/;

  test("asks an idle ComfyUI once to give its memory back", async () => {
    const emulator = await startEmulator();
    const backend = impatientBackend(emulator.url, { freeAfterMs: 15_000 });
    await start(backend, graphOf(1)).outcome;

    await vi.advanceTimersByTimeAsync(13_000);
    expect(asked(emulator, "POST", frees)).toBe(0);
    await vi.advanceTimersByTimeAsync(2_000);
    await expect.poll(() => asked(emulator, "POST", frees)).toBe(1);
    await vi.advanceTimersByTimeAsync(tenMinutes);

    expect(asked(emulator, "POST", frees)).toBe(1);
    const [free] = emulator.requests.filter(({ path }) => frees.test(path));
    expect(free?.body).toEqual({ unload_models: true, free_memory: true });
  });

  test("leaves one alone where somebody else's prompt is at work", async () => {
    const emulator = await startEmulator();
    const backend = impatientBackend(emulator.url, { freeAfterMs: 15_000 });
    await start(backend, graphOf(1)).outcome;
    const hold = emulator.hold("EmptyImage");
    await backend.client.queuePrompt({ prompt: graphOf(2) });
    await hold.reached;

    await vi.advanceTimersByTimeAsync(16_000);
    await expect.poll(() => asked(emulator, "GET", /\/queue$/)).toBe(1);
    await vi.advanceTimersByTimeAsync(tenMinutes);

    expect(asked(emulator, "POST", frees)).toBe(0);
  });

  test("is off unless asked for", async () => {
    const emulator = await startEmulator();
    await start(impatientBackend(emulator.url), graphOf(1)).outcome;

    await vi.advanceTimersByTimeAsync(tenMinutes);

    expect(asked(emulator, "POST", frees)).toBe(0);
  });
});
