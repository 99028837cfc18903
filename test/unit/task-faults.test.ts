import { describe, expect, test } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { imagesOf, type Task } from "../../src/tasks/task.ts";
import { quick } from "../support/comfy.ts";
import { comfyRoutes, faultKinds, faultRows, otherRoutes } from "../support/faults.ts";
import { startApp, startEmulator, type World } from "../support/world.ts";

/**
 * Whole tasks, from the call to the record, while every route of ComfyUI has the same fault once.
 * Each route alone, and the calls that begin under a fault: comfy-faults.test.ts.
 */

const whileMs = 250;
const options = { backend: { ...quick, silenceMs: 150 } };

interface Scene {
  emulator: Emulator;
  world: World;
  /** From here on the faults are there. */
  strike(): void;
}

const small = { prompt: "x", width: 64, height: 64, steps: 1 };

/** Two pictures drawn and one changed; the first is stopped at a node of that class. */
async function three({ emulator, world: { deps } }: Scene, classType: string) {
  const { studio } = deps;
  const source = await studio.submit("generate_image", { parameters: small, seed: 1 });
  await studio.wait(source.id, 30_000);
  const hold = emulator.hold(classType);
  const drawn = await studio.submit("generate_image", { parameters: small, seed: 2, count: 2 });
  const changed = await studio.submit("img2img", {
    parameters: { prompt: "y", image: source.id },
    seed: 3,
  });
  await hold.reached;
  await expect.poll(() => emulator.queued.length).toBe(4);
  return { hold, ids: [drawn.id, changed.id] };
}

async function ends({ deps }: World, ids: readonly string[]): Promise<Task[]> {
  return Promise.all(ids.map((id) => deps.studio.wait(id, 30_000)));
}

const plays: Record<string, (scene: Scene) => Promise<Task[]>> = {
  async "waiting and running"(scene) {
    const { hold, ids } = await three(scene, "KSampler");
    scene.strike();
    scene.emulator.dropSockets();
    hold.release();
    return ends(scene.world, ids);
  },

  async collecting(scene) {
    const { hold, ids } = await three(scene, "SaveImage");
    scene.strike();
    hold.release();
    return ends(scene.world, ids);
  },

  async recovering(scene) {
    const { hold, ids } = await three(scene, "KSampler");
    await scene.world.app.close();
    scene.strike();
    const { dataDir } = scene.world;
    const next = await startApp(scene.emulator.url, { dataDir }, options);
    hold.release();
    return ends(next, ids);
  },
};

describe.for(Object.keys(plays))("while %s", (name) => {
  test.for(faultKinds)("$name on all routes loses no task and makes none twice", async (kind) => {
    const emulator = await startEmulator({ models: { checkpoints: ["sd15.safetensors"] } });
    const world = await startApp(emulator.url, {}, options);
    const strike = () => {
      const rows = faultRows(kind, [...comfyRoutes, ...otherRoutes]);
      emulator.faults.failRequests = rows.map(({ route }) => kind.rule(route, whileMs));
    };

    const ended = (await plays[name]?.({ emulator, world, strike })) ?? [];

    expect(ended.map(({ state, error }) => [state, error])).toEqual([
      ["completed", undefined],
      ["completed", undefined],
    ]);
    expect(ended.map((task) => imagesOf(task).length)).toEqual([2, 1]);
    expect(emulator.queued).toHaveLength(4);
  });
});
