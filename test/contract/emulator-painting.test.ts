import sharp from "sharp";
import { expect, test } from "vitest";
import type { Graph, OutputFile } from "../../src/comfy/protocol.ts";
import { binaryEvent } from "../../src/comfy/protocol.ts";
import { type Comfy, describeEmulator, savedFiles, startEmulator } from "./support.ts";

type Link = [string, number];

function textToImage(text: string, seed: number, size = { width: 128, height: 96 }): Graph {
  return {
    model: {
      class_type: "CheckpointLoaderSimple",
      inputs: { ckpt_name: "sd_xl_base_1.0.safetensors" },
    },
    latent: { class_type: "EmptyLatentImage", inputs: { ...size, batch_size: 1 } },
    ...sampled(text, seed, ["latent", 0], 1),
  };
}

function sampled(text: string, seed: number, latent: Link, denoise: number): Graph {
  const clip: Link = ["model", 1];
  return {
    positive: { class_type: "CLIPTextEncode", inputs: { text, clip } },
    negative: { class_type: "CLIPTextEncode", inputs: { text: "blurry", clip } },
    sampler: {
      class_type: "KSampler",
      inputs: {
        ...{ seed, steps: 4, cfg: 7, sampler_name: "euler", scheduler: "normal", denoise },
        model: ["model", 0],
        positive: ["positive", 0],
        negative: ["negative", 0],
        latent_image: latent,
      },
    },
    decoded: { class_type: "VAEDecode", inputs: { samples: ["sampler", 0], vae: ["model", 2] } },
    save: { class_type: "SaveImage", inputs: { images: ["decoded", 0], filename_prefix: "p" } },
  };
}

/** An input picture of one colour, its left half marked for painting. */
async function upload(comfy: Comfy): Promise<void> {
  const data = Buffer.alloc(128 * 96 * 4);
  for (let pixel = 0; pixel < 128 * 96; pixel += 1) {
    data.set([32, 192, 64, pixel % 128 < 64 ? 0 : 255], pixel * 4);
  }
  const raw = { width: 128, height: 96, channels: 4 } as const;
  const picture = await sharp(data, { raw }).png().toBuffer();
  await comfy.upload(picture, "input.png");
}

function imageToImage(denoise: number, masked: boolean): Graph {
  const latent: Link = masked ? ["masked", 0] : ["encoded", 0];
  return {
    model: {
      class_type: "CheckpointLoaderSimple",
      inputs: { ckpt_name: "sd_xl_base_1.0.safetensors" },
    },
    input: { class_type: "LoadImage", inputs: { image: "input.png" } },
    encoded: { class_type: "VAEEncode", inputs: { pixels: ["input", 0], vae: ["model", 2] } },
    masked: {
      class_type: "SetLatentNoiseMask",
      inputs: { samples: ["encoded", 0], mask: ["input", 1] },
    },
    ...sampled("castle", 1, latent, denoise),
  };
}

async function pixels(
  comfy: Comfy,
  graph: Graph,
): Promise<{ data: Buffer; width: number; height: number; channels: number }> {
  const { entry } = await comfy.run(graph);
  const [file] = savedFiles(entry, "save");
  const bytes = await (await comfy.view(file as OutputFile)).arrayBuffer();
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** Mean over the length of the second. */
function difference(a: Buffer, b: Buffer): number {
  let sum = 0;
  for (let at = 0; at < b.length; at += 1) sum += Math.abs((a[at] ?? 0) - (b[at] ?? 0));
  return sum / b.length;
}

describeEmulator("painting", () => {
  test("a picture has the size of its latent and is the same for the same words and seed", async () => {
    const [one] = await startEmulator();
    const [two] = await startEmulator();

    const [first, again] = [
      await pixels(one, textToImage("castle", 7)),
      await pixels(two, textToImage("castle", 7)),
    ];

    expect([first.width, first.height]).toEqual([128, 96]);
    expect(again.data.equals(first.data)).toBe(true);
  });

  test("another seed or other words make clearly another picture", async () => {
    const [comfy] = await startEmulator();
    const first = await pixels(comfy, textToImage("castle", 7));

    expect(
      difference(first.data, (await pixels(comfy, textToImage("castle", 8))).data),
    ).toBeGreaterThan(10);
    expect(
      difference(first.data, (await pixels(comfy, textToImage("forest", 7))).data),
    ).toBeGreaterThan(10);
  });

  test.for([
    [16, 16],
    [16, 2048],
    [4096, 64],
  ])("a picture of %i by %i is painted", async ([width = 0, height = 0]) => {
    const [comfy] = await startEmulator();

    const picture = await pixels(comfy, textToImage("any size", 1, { width, height }));

    expect([picture.width, picture.height]).toEqual([width, height]);
  });

  test("the less noise, the more of the input stays", async () => {
    const [comfy] = await startEmulator();
    await upload(comfy);
    // The upper part, which the label leaves alone.
    const input = Buffer.alloc(128 * 40 * 3, Buffer.from([32, 192, 64]));

    const [little, much] = [
      await pixels(comfy, imageToImage(0.2, false)),
      await pixels(comfy, imageToImage(0.9, false)),
    ];

    expect(difference(little.data, input)).toBeLessThan(difference(much.data, input) / 1.5);
  });

  test("inpainting changes only what is masked", async () => {
    const [comfy] = await startEmulator();
    await upload(comfy);

    const { data, width, height } = await pixels(comfy, imageToImage(1, true));

    const halves = [0, 64].map((left) => {
      let changed = 0;
      for (let y = 0; y < height; y += 1) {
        for (let x = left; x < left + 64; x += 1) {
          const at = (y * width + x) * 3;
          if (data[at] !== 32 || data[at + 1] !== 192 || data[at + 2] !== 64) changed += 1;
        }
      }
      return changed;
    });
    expect(halves[0]).toBeGreaterThan(64 * 96 * 0.9);
    expect(halves[1]).toBe(0);
  });

  test("a sampler ticks its steps, with previews when they were asked for", async () => {
    const [comfy] = await startEmulator();
    const graph = textToImage("castle", 3);
    const listener = await comfy.connect(undefined, { supports_preview_metadata: true });

    const extra_data = { preview_method: "auto" };
    const { frames, promptId } = await comfy.run(graph, { extra_data }, listener);

    const ticks = frames.filter(({ type }) => type === "progress").map(({ data }) => data.value);
    expect(ticks).toEqual([1, 2, 3, 4]);
    const previews = frames.flatMap(({ bytes }) => (bytes ? [bytes] : []));
    expect(previews).toHaveLength(4);
    const [preview = Buffer.alloc(8)] = previews;
    expect(preview.readUInt32BE(0)).toBe(binaryEvent.previewImageWithMetadata);
    const length = preview.readUInt32BE(4);
    const metadata = JSON.parse(preview.subarray(8, 8 + length).toString());
    expect(metadata).toMatchObject({
      node_id: "sampler",
      prompt_id: promptId,
      image_type: "image/jpeg",
    });
    expect((await sharp(preview.subarray(8 + length)).metadata()).format).toBe("jpeg");
  });

  test("without asking there is no preview, and quick ticks are throttled", async () => {
    const [comfy] = await startEmulator();

    const { frames } = await comfy.run(textToImage("castle", 4));

    const ticks = frames.filter(({ type }) => type === "progress").map(({ data }) => data.value);
    expect(ticks).toEqual([1, 4]);
    expect(frames.some(({ bytes }) => bytes)).toBe(false);
  });

  test("a cut-out keeps the object and makes the background transparent", async () => {
    const [comfy] = await startEmulator();
    const disc = `<svg width="96" height="96"><rect width="96" height="96" fill="#fff"/><circle cx="48" cy="48" r="24" fill="#c00"/></svg>`;
    await comfy.upload(await sharp(Buffer.from(disc)).png().toBuffer(), "disc.png");

    const { data, channels, width } = await pixels(comfy, {
      model: {
        class_type: "LoadBackgroundRemovalModel",
        inputs: { bg_removal_name: "birefnet.safetensors" },
      },
      input: { class_type: "LoadImage", inputs: { image: "disc.png" } },
      found: {
        class_type: "RemoveBackground",
        inputs: { bg_removal_model: ["model", 0], image: ["input", 0] },
      },
      inverted: { class_type: "InvertMask", inputs: { mask: ["found", 0] } },
      cut: {
        class_type: "JoinImageWithAlpha",
        inputs: { image: ["input", 0], alpha: ["inverted", 0] },
      },
      save: { class_type: "SaveImage", inputs: { images: ["cut", 0], filename_prefix: "cut" } },
    });

    const alpha = (x: number, y: number) => data[(y * width + x) * 4 + 3];
    expect(channels).toBe(4);
    expect([alpha(48, 48), alpha(2, 2)]).toEqual([255, 0]);
  });

  test("an upscaler gives four times the size", async () => {
    const [comfy] = await startEmulator();
    await upload(comfy);

    const { width, height } = await pixels(comfy, {
      model: {
        class_type: "UpscaleModelLoader",
        inputs: { model_name: "RealESRGAN_x4plus.safetensors" },
      },
      input: { class_type: "LoadImage", inputs: { image: "input.png" } },
      big: {
        class_type: "ImageUpscaleWithModel",
        inputs: { upscale_model: ["model", 0], image: ["input", 0] },
      },
      save: { class_type: "SaveImage", inputs: { images: ["big", 0], filename_prefix: "big" } },
    });

    expect([width, height]).toEqual([512, 384]);
  });
});
