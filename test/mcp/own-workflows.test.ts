import { writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { Graph, ObjectInfo } from "../../src/comfy/protocol.ts";
import { filesFor } from "../../src/workflows/combo.ts";
import { loadImage, loadMask, node, sampler, textToImage } from "../fixtures/exports/kinds.ts";
import { call, connect, pathsIn, startApp, startEmulator, tempDir } from "../support/world.ts";

/** A real ComfyUI, and then its models take the place of those that the graphs name. */
const live = process.env["COMFY_URL"];

/** A server whose operator has dropped one workflow into a folder. */
async function studioWith(graph: Graph) {
  const url = live ?? (await startEmulator()).url;
  const workflowsDir = await tempDir();
  const text = JSON.stringify(live === undefined ? graph : await withModelsOf(live, graph));
  await writeFile(path.join(workflowsDir, "mine.json"), text);
  const { deps, dataDir } = await startApp(url, { workflowsDir, waitSeconds: 15 });
  return { client: await connect(deps), dataDir };
}

async function withModelsOf(url: string, graph: Graph): Promise<Graph> {
  const info = (await (await fetch(`${url}/object_info`)).json()) as ObjectInfo;
  const first = (classType: string, input: string) => filesFor(info, classType, input)[0] ?? "none";
  return Object.fromEntries(
    Object.entries(graph).map(([id, { class_type, inputs }]) => {
      const files = Object.keys(inputs).filter((input) => /^(ckpt|model)_name$/.test(input));
      const own = files.map((input) => [input, first(class_type, input)] as const);
      const quick = "steps" in inputs ? { steps: 1 } : {};
      return [id, { class_type, inputs: { ...inputs, ...quick, ...Object.fromEntries(own) } }];
    }),
  );
}

type Studio = Awaited<ReturnType<typeof studioWith>>;

function goesOn(text: string): string | undefined {
  return /^Task (t\w+) is (queued|running)/.exec(text)?.[1];
}

async function made(studio: Studio, tool: string, args: Record<string, unknown>) {
  const shared = tool === "mine" ? {} : { workflow: "mine" };
  let answer = await call(studio.client, tool, { ...shared, ...args });
  // A real one may paint longer than a client waits for an answer.
  for (let id = goesOn(answer.text); id !== undefined; id = goesOn(answer.text)) {
    answer = await call(studio.client, "task_status", { task_id: id });
  }
  expect(answer.isError, answer.text).toBe(false);
  const [file = ""] = pathsIn(answer.text);
  const { width, height } = await sharp(file).metadata();
  return { file, size: `${width}x${height}`, text: answer.text };
}

async function picture(dir: string, width: number, height: number, name = "in"): Promise<string> {
  const data = Buffer.alloc(width * height * 3);
  for (let at = 0; at < data.length; at += 3) data.fill((at * 7) % 251, at, at + 3);
  const file = path.join(dir, `${name}.png`);
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
  return file;
}

/** White on the right half. */
async function rightHalf(dir: string, width: number, height: number): Promise<string> {
  const half = { create: { width: width / 2, height, channels: 3 as const, background: "white" } };
  const file = path.join(dir, "mask.png");
  await sharp({ create: { width, height, channels: 3, background: "black" } })
    .composite([{ input: half, left: width / 2, top: 0 }])
    .png()
    .toFile(file);
  return file;
}

async function columns(file: string, left: number, width: number): Promise<Buffer> {
  const { height } = await sharp(file).metadata();
  return sharp(file).removeAlpha().extract({ left, top: 0, width, height }).raw().toBuffer();
}

const encode = node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] });

test.for<[what: string, graph: Graph, tool: string, size: string]>([
  [
    "an upscaler",
    {
      img: loadImage(),
      up: node("ImageScaleBy", { image: ["img", 0], upscale_method: "lanczos", scale_by: 2 }),
      save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
    },
    "mine",
    "320x128",
  ],
  [
    "a crop",
    {
      img: loadImage(),
      crop: node("ImageCrop", { image: ["img", 0], width: 32, height: 32, x: 0, y: 0 }),
      save: node("SaveImage", { filename_prefix: "x", images: ["crop", 0] }),
    },
    "mine",
    "32x32",
  ],
  ["sampling from the image", textToImage({ img: loadImage(), lat: encode }), "img2img", "160x64"],
  [
    "an enlargement after that",
    textToImage({
      img: loadImage(),
      lat: encode,
      up: node("ImageScaleBy", { image: ["dec", 0], upscale_method: "lanczos", scale_by: 2 }),
      save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
    }),
    "img2img",
    "320x128",
  ],
  [
    "a reference",
    textToImage({
      img: loadImage(),
      style: encode,
      ks: sampler({ positive: ["ref", 0] }),
      ref: node("ReferenceLatent", { conditioning: ["pos", 0], latent: ["style", 0] }),
    }),
    "img2img",
    "320x192",
  ],
])("%s keeps the size its graph gives", async ([, graph, tool, size]) => {
  const studio = await studioWith(graph);
  const image = await picture(studio.dataDir, 160, 64);

  const result = await made(studio, tool, { image, ...(tool === "img2img" && { prompt: "x" }) });

  expect(result.size).toBe(size);
});

test("a reference's picture has the size that was asked for", async () => {
  const studio = await studioWith(
    textToImage({
      img: loadImage(),
      style: encode,
      ks: sampler({ positive: ["ref", 0] }),
      ref: node("ReferenceLatent", { conditioning: ["pos", 0], latent: ["style", 0] }),
    }),
  );
  const image = await picture(studio.dataDir, 160, 64);

  const { size } = await made(studio, "img2img", { image, prompt: "x", width: 200, height: 260 });

  expect(size).toBe("200x260");
});

test("a second pass follows the size that was asked for", async () => {
  const studio = await studioWith(
    textToImage({
      up: node("LatentUpscale", {
        samples: ["ks", 0],
        upscale_method: "nearest-exact",
        width: 512,
        height: 512,
        crop: "disabled",
      }),
      lat: node("EmptyLatentImage", { width: 256, height: 256, batch_size: 1 }),
      again: sampler({ denoise: 0.5, latent_image: ["up", 0] }),
      dec: node("VAEDecode", { samples: ["again", 0], vae: ["ckpt", 2] }),
    }),
  );

  const { size, text } = await made(studio, "generate_image", {
    prompt: "x",
    width: 384,
    height: 192,
  });

  expect(size).toBe("384x192");
  expect(text).not.toContain("Note:");
});

test("a size the graph does not keep is told, not forced", async () => {
  const studio = await studioWith(
    textToImage({
      up: node("ImageUpscaleWithModel", { upscale_model: ["m", 0], image: ["dec", 0] }),
      m: node("UpscaleModelLoader", { model_name: "4x-ESRGAN.pth" }),
      save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
    }),
  );

  const { size, text } = await made(studio, "generate_image", {
    prompt: "x",
    width: 128,
    height: 64,
  });

  expect(size).toBe("512x256");
  expect(text).toContain(
    "Note: The picture is 512x256, not 128x64: workflow mine changes the size by itself.",
  );
});

test.for<[what: string, mask: Graph[string], output: number]>([
  ["from alpha, ComfyUI's default", loadMask("alpha"), 0],
  ["from the alpha of a LoadImage", loadImage(), 1],
])(
  "a mask that the graph reads %s repaints its white, and nothing else",
  async ([, mask, output]) => {
    const studio = await studioWith(
      textToImage({
        img: loadImage(),
        mask,
        lat: node("VAEEncodeForInpaint", {
          pixels: ["img", 0],
          vae: ["ckpt", 2],
          mask: ["mask", output],
          grow_mask_by: 0,
        }),
      }),
    );
    const image = await picture(studio.dataDir, 160, 96);

    const { file, size } = await made(studio, "inpaint", {
      prompt: "x",
      image,
      mask: await rightHalf(studio.dataDir, 160, 96),
    });

    expect(size).toBe("160x96");
    expect(await columns(file, 0, 70)).toEqual(await columns(image, 0, 70));
    expect(await columns(file, 90, 70)).not.toEqual(await columns(image, 90, 70));
  },
);

/** Red where the mask is white, over what was sampled. */
const marked = {
  red: node("EmptyImage", { width: 320, height: 192, batch_size: 1, color: 0xff0000 }),
  mark: node("ImageCompositeMasked", {
    destination: ["dec", 0],
    source: ["red", 0],
    mask: ["mask", 0],
    x: 0,
    y: 0,
    resize_source: false,
  }),
  save: node("SaveImage", { filename_prefix: "x", images: ["mark", 0] }),
};

test("a mask without an image reaches the graph in place of the file's own", async () => {
  const studio = await studioWith(textToImage({ mask: loadMask(), ...marked }));

  const { file } = await made(studio, "mine", {
    prompt: "x",
    mask: await rightHalf(studio.dataDir, 320, 192),
  });

  const right = await columns(file, 180, 100);
  expect(right.every((value, at) => value === (at % 3 === 0 ? 255 : 0))).toBe(true);
  expect(await columns(file, 40, 100)).not.toEqual(right);
});

test("a mask beside a reference lays nothing of the reference over the result", async () => {
  const studio = await studioWith(
    textToImage({
      img: loadImage(),
      style: encode,
      mask: loadMask(),
      ks: sampler({ positive: ["ref", 0] }),
      ref: node("ReferenceLatent", { conditioning: ["pos", 0], latent: ["style", 0] }),
      ...marked,
    }),
  );
  const image = await picture(studio.dataDir, 320, 192);

  const { file, size } = await made(studio, "img2img", {
    prompt: "x",
    image,
    mask: await rightHalf(studio.dataDir, 320, 192),
  });

  expect(size).toBe("320x192");
  expect(await columns(file, 0, 100)).not.toEqual(await columns(image, 0, 100));
});
