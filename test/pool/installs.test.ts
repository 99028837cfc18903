import { expect, test } from "vitest";
import { call, connect, startApp, startEmulator } from "../support/world.ts";

const [sd15, sdxl] = ["v1-5-pruned-emaonly-fp16.safetensors", "sd_xl_base_1.0.safetensors"];

/** Two ComfyUIs, each with a model the other has not. */
async function unlike() {
  const emulators = await Promise.all(
    [sd15, sdxl].map((file) => startEmulator({ models: { checkpoints: [file] } })),
  );
  const world = await startApp(emulators.map(({ url }) => url));
  const outputs = () => emulators.map((emulator) => emulator.outputFiles().length);
  return { ...world, emulators, client: await connect(world.deps), outputs };
}

test("a workflow is ready when some ComfyUI can run it, and says which", async () => {
  const { deps, emulators } = await unlike();
  const { states } = await deps.studio.workflows();
  const checkpoint = states.find(({ workflow }) => workflow.name === "checkpoint");

  expect(checkpoint).toMatchObject({ ready: true, on: emulators.map(({ url }) => url) });
  expect(states.some(({ ready, lacks }) => ready === false && lacks !== undefined)).toBe(true);
});

test("each model is painted where it is installed, and both are listed", async () => {
  const { client, outputs, deps } = await unlike();
  const small = { prompt: "p", width: 256, height: 256, workflow: "checkpoint" };

  for (const model of [sdxl, sdxl, sd15]) {
    expect((await call(client, "generate_image", { ...small, model })).text).toMatch(/^Done/);
  }

  expect(outputs()).toEqual([1, 2]);
  const { models } = await deps.studio.installed();
  expect(models.find(({ workflow }) => workflow === "checkpoint")?.files).toEqual([sd15, sdxl]);
});

test("what only one has is found while another is away", async () => {
  const { client, emulators, outputs } = await unlike();
  await emulators[0]?.stop();
  const asked = { prompt: "p", width: 256, height: 256, model: sdxl };

  expect((await call(client, "generate_image", asked)).text).toMatch(/^Done/);
  expect(outputs()).toEqual([0, 1]);
});
