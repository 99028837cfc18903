import { randomUUID } from "node:crypto";
import sharp from "sharp";
import { expect, test } from "vitest";
import { describeEmulator, startComfy, startEmulator } from "./support.ts";
import { before, isSince, since } from "./versions.ts";

/** Model-free classes and the inputs a client relies on. */
const classes = {
  EmptyImage: ["width", "height", "batch_size", "color"],
  ImageScale: ["image", "upscale_method", "width", "height", "crop"],
  ImageScaleToTotalPixels: [
    ...["image", "upscale_method", "megapixels"],
    ...(isSince("0.6.0") ? ["resolution_steps"] : []),
  ],
  SaveImage: ["images", "filename_prefix"],
  PreviewImage: ["images"],
  LoadImage: ["image"],
  LoadImageMask: ["image", "channel"],
  ImagePadForOutpaint: ["image", "left", "top", "right", "bottom", "feathering"],
  JoinImageWithAlpha: ["image", "alpha"],
  KSampler: [
    ...["model", "seed", "steps", "cfg", "sampler_name", "scheduler"],
    ...["positive", "negative", "latent_image", "denoise"],
  ],
  CLIPTextEncode: ["text", "clip"],
  DualCLIPLoader: ["clip_name1", "clip_name2", "type"],
  SaveImageWebsocket: ["images"],
};

test.for(Object.entries(classes))("%s takes its inputs", async ([name, inputs]) => {
  const comfy = await startComfy();

  const { [name]: info } = await comfy.json(`/object_info/${name}`);

  expect(Object.keys(info.input.required)).toEqual(inputs);
  expect(info.name).toBe(name);
  expect(info.output_node).toBe(name.startsWith("Save") || name === "PreviewImage");
});

test("all classes are told at once in the words of each", async () => {
  const comfy = await startComfy();

  const all = await comfy.json("/object_info");

  expect(Object.keys(all).length).toBeGreaterThan(80);
  const one = await comfy.json("/object_info/ImageInvert");
  expect(one).toEqual({ ImageInvert: all.ImageInvert });
});

test("an unknown class is an empty object", async () => {
  const comfy = await startComfy();

  const response = await comfy.fetch("/object_info/NoSuchNode");

  expect([response.status, await response.json()]).toEqual([200, {}]);
});

since("0.3.76")("choices are a list in old classes and an option in new ones", async () => {
  const comfy = await startComfy();
  const { KSampler, KSamplerSelect } = await comfy.json("/object_info");

  const [old] = KSampler.input.required.sampler_name;
  const [type, options] = KSamplerSelect.input.required.sampler_name;

  expect(type).toBe("COMBO");
  expect(options.options).toEqual(old);
  expect(old).toContain("euler");
});

before("0.3.76")("choices are a list in the classes that became new ones later", async () => {
  const comfy = await startComfy();
  const { KSampler, KSamplerSelect } = await comfy.json("/object_info");

  const [choices] = KSamplerSelect.input.required.sampler_name;

  expect(choices).toEqual(KSampler.input.required.sampler_name[0]);
});

test("numbers come with their range", async () => {
  const comfy = await startComfy();
  const { EmptyImage, KSampler } = await comfy.json("/object_info");

  const [type, options] = EmptyImage.input.required.width;
  expect([type, options]).toEqual(["INT", { default: 512, min: 1, max: 16384, step: 1 }]);
  // 2^64 - 1, as near as a double comes.
  expect(KSampler.input.required.seed[1].max).toBe(2 ** 64);
  const text = await (await comfy.fetch("/object_info/KSampler")).text();
  expect(text).toContain("18446744073709551615");
});

since("0.26.0")("the nodes that save give their pictures on", async () => {
  const comfy = await startComfy();

  const { SaveImage } = await comfy.json("/object_info/SaveImage");

  expect(SaveImage.output).toEqual(["IMAGE"]);
  expect(SaveImage.output_name).toEqual(["images"]);
});

before("0.26.0")("the nodes that save give nothing on", async () => {
  const comfy = await startComfy();

  const { SaveImage } = await comfy.json("/object_info/SaveImage");

  expect(SaveImage.output).toEqual([]);
});

test("some classes are there since a version", async () => {
  const comfy = await startComfy();
  const all = Object.keys(await comfy.json("/object_info"));

  expect(all.includes("Flux2Scheduler")).toBe(isSince("0.3.72"));
  expect(all.includes("RemoveBackground")).toBe(isSince("0.21.0"));
  expect(all.includes("SaveText")).toBe(isSince("0.28.0"));
});

test("LoadImage lists the pictures at the top of the input folder", async () => {
  const comfy = await startComfy();
  const [top, deep] = [`contract-${randomUUID()}.png`, `contract-${randomUUID()}.png`];
  const picture = await sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  await comfy.upload(picture, top);
  await comfy.upload(picture, deep, { subfolder: "contract" });

  const { LoadImage } = await comfy.json("/object_info/LoadImage");

  const [choices] = LoadImage.input.required.image;
  expect(choices).toContain(top);
  expect(choices.join()).not.toContain(deep);
});

test("a loader's choices are the files of its folder", async () => {
  const comfy = await startComfy();

  const { UpscaleModelLoader, CheckpointLoaderSimple } = await comfy.json("/object_info");

  const [type, { options } = { options: type }] = UpscaleModelLoader.input.required.model_name;
  expect(options).toEqual(await comfy.json("/models/upscale_models"));
  const [checkpoints] = CheckpointLoaderSimple.input.required.ckpt_name;
  expect(checkpoints).toEqual(await comfy.json("/models/checkpoints"));
});

test("the model folders are listed by name", async () => {
  const comfy = await startComfy();

  const folders = await comfy.json("/models");

  expect(folders.includes("background_removal")).toBe(isSince("0.21.0"));
  for (const folder of ["checkpoints", "loras", "vae", "text_encoders", "diffusion_models"]) {
    expect(folders).toContain(folder);
  }
});

test("the header of a model file is an object of texts, and an empty 404 where there is none", async () => {
  const comfy = await startComfy();
  const header = (folder: string, query: string) => comfy.fetch(`/view_metadata/${folder}${query}`);

  for (const folder of ["checkpoints", "loras"]) {
    for (const file of (await comfy.json(`/models/${folder}`)) as string[]) {
      const answer = await header(folder, `?${new URLSearchParams({ filename: file })}`);
      if (answer.status === 200) {
        const said = Object.values((await answer.json()) as Record<string, unknown>);
        expect(said.every((value) => typeof value === "string")).toBe(true);
      } else {
        // A file that is cut off makes the real one stumble.
        expect([404, 500]).toContain(answer.status);
      }
    }
  }
  for (const [folder, query] of [
    ["loras", ""],
    ["loras", "?filename=no_such.safetensors"],
    ["loras", "?filename=old.pt"],
    ["no_such_folder", "?filename=a.safetensors"],
  ] as const) {
    const answer = await header(folder, query);
    expect([answer.status, await answer.text()]).toEqual([404, ""]);
  }
});

describeEmulator("headers of the emulator's files", () => {
  test("are those it was started with, through /api too", async () => {
    const metadata = { "loras/sub/hands.safetensors": { ss_base_model_version: "flux1" } };
    const [comfy] = await startEmulator({
      models: { loras: ["sub/hands.safetensors", "silent.safetensors"] },
      metadata,
    });
    const of = (file: string) =>
      comfy.fetch(`/api/view_metadata/loras?${new URLSearchParams({ filename: file })}`);

    expect(await (await of("sub/hands.safetensors")).json()).toEqual({
      ss_base_model_version: "flux1",
    });
    expect((await of("silent.safetensors")).status).toBe(404);
  });
});
