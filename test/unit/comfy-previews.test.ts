import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { previewFrame } from "../../src/as-comfyui/frames.ts";
import type { Preview } from "../../src/comfy/outcome.ts";
import type { Graph } from "../../src/comfy/protocol.ts";
import { graphOf, impatientBackend, start } from "../support/comfy.ts";
import { startEmulator } from "../support/world.ts";

const steps = 4;

/** A sampler that previews, and a node that sends its picture over the socket. */
function sampled(): Graph {
  return {
    "1": {
      class_type: "CheckpointLoaderSimple",
      inputs: { ckpt_name: "sd_xl_base_1.0.safetensors" },
    },
    "2": { class_type: "CLIPTextEncode", inputs: { clip: ["1", 1], text: "a fox" } },
    "4": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
    "5": {
      class_type: "KSampler",
      inputs: {
        ...{ model: ["1", 0], positive: ["2", 0], negative: ["2", 0], latent_image: ["4", 0] },
        ...{ seed: 1, steps, cfg: 7, sampler_name: "euler", scheduler: "normal", denoise: 1 },
      },
    },
    "6": { class_type: "VAEDecode", inputs: { samples: ["5", 0], vae: ["1", 2] } },
    "3": { class_type: "SaveImageWebsocket", inputs: { images: ["6", 0] } },
  };
}

const models = { checkpoints: ["sd_xl_base_1.0.safetensors"] };

test("previews are asked for and given, and only the output node's picture is a result", async () => {
  const emulator = await startEmulator({ models });
  const previews: Preview[] = [];
  const run = start(impatientBackend(emulator.url), sampled(), {
    previews: true,
    onPreview: (preview) => previews.push(preview),
  });

  const outcome = await run.outcome;

  expect(previews.map(({ mimeType }) => mimeType)).toEqual(Array(steps).fill("image/jpeg"));
  expect(outcome.kind === "completed" && Object.keys(outcome.images)).toEqual(["3"]);
  const pictures = outcome.kind === "completed" ? outcome.images["3"] : [];
  expect(pictures?.map((bytes) => bytes.toString("latin1", 1, 4))).toEqual(["PNG"]);
});

test("previews are not asked for when nobody wants them", async () => {
  const emulator = await startEmulator({ models });
  const previews: Preview[] = [];
  const run = start(impatientBackend(emulator.url), sampled(), {
    onPreview: (preview) => previews.push(preview),
  });

  await run.outcome;

  expect(previews).toEqual([]);
});

test("what another node sends over the socket is a preview, though it is a picture", async () => {
  const emulator = await startEmulator({ models });
  const graph = sampled();
  graph["9"] = { class_type: "SaveImageWebsocket", inputs: { images: ["6", 0] } };
  const previews: Preview[] = [];
  const run = start(impatientBackend(emulator.url), graph, {
    onPreview: (preview) => previews.push(preview),
  });

  const outcome = await run.outcome;

  expect(outcome.kind === "completed" && Object.keys(outcome.images)).toEqual(["3"]);
  expect(previews.map(({ mimeType }) => mimeType)).toEqual(["image/png"]);
});

test("what an output that saves a file sends on the way is no result", async () => {
  const emulator = await startEmulator({ models });
  const graph = sampled();
  graph["3"] = { class_type: "SaveImage", inputs: { images: ["6", 0], filename_prefix: "x" } };
  const previews: Preview[] = [];
  const run = start(impatientBackend(emulator.url), graph, {
    outputs: ["3", "5"],
    previews: true,
    onPreview: (preview) => previews.push(preview),
  });

  const outcome = await run.outcome;

  expect(outcome.kind === "completed" && outcome.images).toEqual({});
  expect(previews).toHaveLength(steps);
});

const jpeg = previewFrame({ format: "jpeg", bytes: Buffer.from("ffd8ffe0", "hex") }).toString(
  "hex",
);

test("a frame without a name is a preview of the run that executes", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("ImageScale");
  const seen: string[] = [];
  const backend = impatientBackend(emulator.url);
  const watched = (shade: number) =>
    start(backend, graphOf(shade), { onPreview: () => seen.push(String(shade)) });
  const first = watched(1);
  await hold.reached;
  const second = watched(2);
  await expect.poll(() => emulator.queued.length).toBe(2);
  emulator.faults.rubbish = [{ after: "executed", binary: jpeg }];

  hold.release();
  await Promise.all([first.outcome, second.outcome]);

  expect(seen).toEqual(["1", "2"]);
});

test("a frame without a name is nobody's while a stranger's prompt runs", async () => {
  const emulator = await startEmulator();
  const backend = impatientBackend(emulator.url);
  const seen: string[] = [];
  const hold = emulator.hold("ImageScale");
  await backend.client.queuePrompt({ prompt: graphOf(9), prompt_id: randomUUID() });
  await hold.reached;
  const ours = start(backend, graphOf(1), { onPreview: () => seen.push("ours") });
  await expect.poll(() => emulator.queued.length).toBe(2);
  emulator.faults.rubbish = [{ after: "progress_state", binary: jpeg }];
  const next = emulator.hold("EmptyImage");

  hold.release();
  await next.reached;

  await expect.poll(() => ours.statuses.some(({ phase }) => phase === "running")).toBe(true);
  expect(seen).toEqual([]);
  next.release();
  await ours.outcome;
  expect(seen.length).toBeGreaterThan(0);
});
