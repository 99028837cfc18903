import { expect, onTestFinished, test } from "vitest";
import type { Backend } from "../../src/comfy/backend.ts";
import { type Can, Pool } from "../../src/comfy/pool.ts";
import { graphOf, impatientBackend, start } from "../support/comfy.ts";
import { startEmulator } from "../support/world.ts";

const signal = new AbortController().signal;

function poolOf(...backends: Backend[]): Pool {
  const pool = new Pool(backends);
  onTestFinished(() => pool.close());
  return pool;
}

/** Needs that node class. */
function needs(className: string): Can {
  return (info) => (info[className] ? { spelt: className } : undefined);
}

test("a run goes to the one that can make it", async () => {
  const [poor, rich] = await Promise.all([
    startEmulator({ withoutNodes: ["ImageScale"] }),
    startEmulator(),
  ]);
  const pool = poolOf(impatientBackend(poor.url), impatientBackend(rich.url));

  const placed = await pool.place(needs("ImageScale"), signal);

  expect(placed?.backend).toBe(pool.of(rich.url));
  expect(placed?.choices).toEqual({ spelt: "ImageScale" });
});

test("of two that can, it goes to the one with fewer runs", async () => {
  const [busy, idle] = await Promise.all([startEmulator(), startEmulator()]);
  const pool = poolOf(impatientBackend(busy.url), impatientBackend(idle.url));
  const hold = busy.hold("EmptyImage");
  start(pool.of(busy.url) as Backend, graphOf(1));
  await hold.reached;

  expect((await pool.place(needs("ImageScale"), signal))?.backend).toBe(pool.of(idle.url));
});

test("one that is away does not stop the others", async () => {
  const [away, here] = await Promise.all([startEmulator(), startEmulator()]);
  const pool = poolOf(impatientBackend(away.url), impatientBackend(here.url));
  await away.stop();

  expect((await pool.place(needs("ImageScale"), signal))?.backend).toBe(pool.of(here.url));
  expect(Object.keys(await pool.objectInfo())).toContain("ImageScale");
});

test("what was installed a moment ago is found", async () => {
  const models: Record<string, string[]> = {};
  const emulator = await startEmulator({ models });
  const pool = poolOf(impatientBackend(emulator.url));
  await pool.objectInfo();
  const can: Can = (info) =>
    JSON.stringify(info["CheckpointLoaderSimple"]).includes("new.safetensors") ? {} : undefined;
  expect(await pool.place(can, signal)).toBeUndefined();

  models["checkpoints"] = ["new.safetensors"];
  await emulator.restart();

  expect(await pool.place(can, signal)).toBeDefined();
});

test("what none has is placed nowhere, and says so without waiting", async () => {
  const emulator = await startEmulator();
  const pool = poolOf(impatientBackend(emulator.url));

  expect(await pool.place(needs("Nonesuch"), signal)).toBeUndefined();
});

test("where none answers, the reason is told", async () => {
  const emulator = await startEmulator();
  const pool = poolOf(impatientBackend(emulator.url));
  await emulator.stop();

  await expect(pool.place(needs("ImageScale"), signal)).rejects.toThrow(/nothing is listening/);
  await expect(pool.objectInfo()).rejects.toThrow(/nothing is listening/);
});

test("one that sleeps is woken, until the caller gives up", async () => {
  const emulator = await startEmulator();
  emulator.faults.failRequests = [{ path: "/system_stats", times: 1e9, status: 503 }];
  const pool = poolOf(impatientBackend(emulator.url));
  const end = new AbortController();
  const placed = pool.place(needs("ImageScale"), end.signal);
  const outcome = expect(placed).rejects.toMatchObject({ name: "AbortError" });
  await expect.poll(() => emulator.faults.failRequests[0]?.times).toBeLessThan(1e9 - 2);

  end.abort();

  await outcome;
});
