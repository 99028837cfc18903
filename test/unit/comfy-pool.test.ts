import { expect, onTestFinished, test } from "vitest";
import type { Backend } from "../../src/comfy/backend.ts";
import { Pool } from "../../src/comfy/pool.ts";
import { impatientBackend } from "../support/comfy.ts";
import { startEmulator } from "../support/world.ts";

function poolOf(...backends: Backend[]): Pool {
  const pool = new Pool(backends);
  onTestFinished(() => pool.close());
  return pool;
}

test("everything that is installed anywhere is known, and who has it", async () => {
  const [poor, rich] = await Promise.all([
    startEmulator({ withoutNodes: ["ImageScale"], models: { checkpoints: ["a.safetensors"] } }),
    startEmulator({ models: { checkpoints: ["b.safetensors"] } }),
  ]);
  const pool = poolOf(impatientBackend(poor.url), impatientBackend(rich.url));

  const installs = await pool.installs();
  expect(installs.map(({ backends }) => backends)).toEqual([[poor.url], [rich.url]]);
  const all = await pool.objectInfo();
  expect(Object.keys(all)).toContain("ImageScale");
  expect(all["CheckpointLoaderSimple"]?.input.required?.["ckpt_name"]?.[0]).toEqual([
    "a.safetensors",
    "b.safetensors",
  ]);
  expect(await pool.objectInfo()).toBe(all);
  expect(pool.knownObjectInfo).toBe(all);
});

test("those with the same are one", async () => {
  const emulators = await Promise.all([startEmulator(), startEmulator()]);
  const pool = poolOf(...emulators.map(({ url }) => impatientBackend(url)));

  const [install, ...others] = await pool.installs();
  expect(install?.backends).toEqual(emulators.map(({ url }) => url));
  expect(others).toEqual([]);
});

test("one that is away does not stop the others", async () => {
  const [away, here] = await Promise.all([startEmulator(), startEmulator()]);
  const pool = poolOf(impatientBackend(away.url), impatientBackend(here.url));
  await away.stop();

  expect(Object.keys(await pool.objectInfo())).toContain("ImageScale");
  expect(await pool.first((client) => client.queue())).toMatchObject({ queue_running: [] });
});

test("where none answers, the reason is told", async () => {
  const emulator = await startEmulator();
  const pool = poolOf(impatientBackend(emulator.url));
  await emulator.stop();

  await expect(pool.objectInfo()).rejects.toThrow(/nothing is listening/);
  await expect(pool.first((client) => client.queue())).rejects.toThrow(/nothing is listening/);
});
