import { expect, test } from "vitest";
import { asked } from "../support/comfy.ts";
import { call, connect, startApp, startEmulator, taskIdIn } from "../support/world.ts";

const small = { prompt: "a portrait", width: 64, height: 64 };

const metadata = {
  "loras/hands.safetensors": {
    "modelspec.architecture": "flux-1-dev/lora",
    "modelspec.trigger_phrase": "ohwx <b>hands</b>",
  },
  "loras/ink.safetensors": {
    ss_base_model_version: "sdxl_base_v1-0",
    ss_tag_frequency: '{"10_ink": {"ink wash": 20, "solo": 2}}',
  },
  "checkpoints/unnamed.safetensors": { "modelspec.architecture": "stable-diffusion-v1" },
};

const models = {
  checkpoints: ["sd_xl_base_1.0.safetensors"],
  diffusion_models: ["flux1-schnell.safetensors"],
  text_encoders: ["clip_l.safetensors", "t5xxl_fp16.safetensors"],
  vae: ["ae.safetensors"],
  loras: ["hands.safetensors", "ink.safetensors", "silent.safetensors"],
};

async function start(more: Parameters<typeof startEmulator>[0] = {}) {
  const emulator = await startEmulator({ models, metadata, ...more });
  const world = await startApp(emulator.url);
  return { emulator, ...world, client: await connect(world.deps) };
}

test("a LoRA of another family is refused in words that name the model and the way out", async () => {
  const { client, emulator } = await start();
  const wrong = { ...small, workflow: "checkpoint", loras: ["hands"] };

  const refusal = await call(client, "generate_image", wrong);

  expect(refusal.isError).toBe(true);
  expect(refusal.text).toMatch(
    /^loras: "hands.safetensors" was made for FLUX.1, and workflow checkpoint paints with sd_xl_base_1.0.safetensors \(SDXL\).*It goes with the workflow flux_schnell/,
  );
  expect(asked(emulator, "POST", /\/prompt$/)).toBe(0);

  const right = await call(client, "generate_image", { ...wrong, workflow: "flux_schnell" });
  expect(right.text).toMatch(/^Done/);
});

test("trigger words are offered as foreign text, unless the prompt has them", async () => {
  const { client } = await start();
  const args = { ...small, workflow: "flux_schnell", loras: ["hands:0.5"] };

  const offered = await call(client, "generate_image", args);
  expect(offered.text).toContain(
    'Note: The LoRA hands.safetensors names its trigger words: "ohwx ‹b›hands‹/b›"',
  );
  const used = await call(client, "generate_image", {
    ...args,
    prompt: "a portrait, OHWX <b>hands</b>",
  });
  expect(used.text).toMatch(/^Done/);
  expect(used.text).not.toContain("trigger");

  const ink = { ...small, workflow: "checkpoint", loras: ["ink"] };
  expect((await call(client, "generate_image", ink)).text).toMatch(
    /Note: The LoRA ink.safetensors names no trigger words; .* most by "ink wash"\./,
  );
});

test("a checkpoint whose name says nothing is told by its header, else by what its slot rules out", async () => {
  const { client } = await start({
    models: { ...models, checkpoints: ["mystery.safetensors", "unnamed.safetensors"] },
  });
  const of = (model: string, lora: string) =>
    call(client, "generate_image", { ...small, model, loras: [lora] });

  expect((await of("unnamed", "ink")).text).toMatch(
    /^loras: .* made for SDXL, .*unnamed.safetensors \(Stable Diffusion 1.5\).*No workflow that can run here/,
  );
  expect((await of("mystery", "ink")).text).toMatch(/^Done/);
  expect((await of("mystery", "hands")).text).toMatch(/^loras: .* made for FLUX.1/);
});

test("a LoRA that says nothing is used, and a header that cannot be had stops nothing", async () => {
  const { client, emulator, app } = await start();
  const args = { ...small, workflow: "checkpoint", loras: ["silent"] };

  const { text } = await call(client, "generate_image", args);
  expect(text).toMatch(/^Done/);
  expect((await app.tasks.get(taskIdIn(text))).warnings.join()).not.toContain("LoRA");

  emulator.faults.failRequests = [{ path: "/view_metadata/*", times: 2, answer: "silence" }];
  const before = Date.now();
  expect((await call(client, "generate_image", { ...args, loras: ["ink"] })).text).toMatch(/^Done/);
  expect(Date.now() - before).toBeLessThan(10_000);
});

test("list_workflows tells what each LoRA is for; headers are read when asked for, and once", async () => {
  const { client, emulator } = await start();
  const reads = () => asked(emulator, "GET", /view_metadata/);

  await call(client, "generate_image", small);
  await call(client, "list_workflows", { show: "models" });
  expect(reads()).toBe(0);

  const { text } = await call(client, "list_workflows", { show: "loras" });
  expect(text.split("\n").slice(1)).toEqual([
    'hands.safetensors: for FLUX.1; trigger words "ohwx ‹b›hands‹/b›"',
    'ink.safetensors: for SDXL; trained on "ink wash"',
    "silent.safetensors",
  ]);
  await call(client, "list_workflows", { show: "loras" });
  expect(reads()).toBe(3);
});
