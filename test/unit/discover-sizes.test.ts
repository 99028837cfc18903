import { expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { bind } from "../../src/workflows/bind.ts";
import { discovered, parametersOf } from "../fixtures/exports/exports.ts";
import { found, hires, loadImage, node, sampler, textToImage } from "../fixtures/exports/kinds.ts";

test("the size asked for is the result's; the first pass keeps its proportion", () => {
  const { workflow, parameters } = found(hires());

  expect(parameters["width"]).toBe("up.width + lat.width = 640");
  expect(workflow.makesSize).toBe(true);
  const graph = bind(workflow, { width: 768, height: 768 });
  expect(graph["up"]?.inputs).toMatchObject({ width: 768, height: 768 });
  expect(graph["lat"]?.inputs).toMatchObject({ width: 384, height: 384 });
  expect(bind(workflow, {})).toEqual(workflow.graph);
});

test("a binding that names other slots has them as they are", () => {
  const own = { parameters: { width: { slots: ["lat.width"] }, height: null } };
  const { workflow } = discovered("mine", own, hires());

  expect(parametersOf(workflow)["width"]).toBe("lat.width = 320");
  expect(workflow.makesSize).toBe(false);
});

test("a pass that enlarges by a factor counts into the size", () => {
  const graph = hires();
  graph["up"] = node("LatentUpscaleBy", { samples: ["ks", 0], scale_by: 1.5 });
  const { workflow, parameters } = found(graph);

  expect(parameters["width"]).toBe("lat.width = 480");
  expect(bind(workflow, { width: 768 })["lat"]?.inputs["width"]).toBe(512);
});

test("an upscaler of unknown effect at the end is said", () => {
  const { workflow, notes } = found(
    textToImage({
      up: node("ImageUpscaleWithModel", { upscale_model: ["m", 0], image: ["dec", 0] }),
      m: node("UpscaleModelLoader", { model_name: "RealESRGAN_x4plus.pth" }),
      save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
    }),
  );

  expect(workflow.makesSize).toBe(false);
  expect(notes).toEqual([
    "width and height are those of the first picture: node up (ImageUpscaleWithModel) may change the size after it",
  ]);
});

test.for<[what: string, size: Graph[string], offered: boolean]>([
  [
    "its numbers",
    node("CR Aspect Ratio", { width: 640, height: 384, aspect_ratio: "custom" }),
    true,
  ],
  ["its list", node("CR Aspect Ratio", { width: 640, height: 384, aspect_ratio: "3:2" }), false],
  ["a shape", node("ResolutionSelector", { shape: "3:2", megapixels: 1 }), false],
])("a node that makes a size of %s", ([, size, offered]) => {
  const { workflow, notes } = found(
    textToImage({
      size,
      lat: node("EmptyLatentImage", { width: ["size", 0], height: ["size", 1], batch_size: 1 }),
    }),
  );

  expect(workflow.makesSize).toBe(offered);
  expect(notes).toEqual(
    offered
      ? []
      : [`width and height are not offered: node size (${size?.class_type}) decides the size`],
  );
});

test("a saver of a pack keeps the size", () => {
  const { workflow, notes } = found(
    textToImage({ save: node("Image Saver", { images: ["dec", 0], path: "x", quality: 90 }) }),
  );

  expect(workflow.makesSize).toBe(true);
  expect(notes).toEqual([]);
});

const encode = node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] });
test.for<[what: string, others: Graph, keeps: boolean]>([
  ["sampling from it", { lat: encode, img: loadImage() }, true],
  [
    "an empty latent of its size",
    {
      img: loadImage(),
      size: node("GetImageSize", { image: ["img", 0] }),
      lat: node("EmptyLatentImage", { width: ["size", 0], height: ["size", 1], batch_size: 1 }),
    },
    true,
  ],
  [
    "an upscaler after the sampler",
    {
      lat: encode,
      img: loadImage(),
      up: node("ImageScaleBy", { image: ["dec", 0], upscale_method: "lanczos", scale_by: 2 }),
      save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
    },
    false,
  ],
  [
    "a crop before the sampler",
    {
      crop: node("ImageCrop", { image: ["img", 0], width: 32, height: 32, x: 0, y: 0 }),
      lat: node("VAEEncode", { pixels: ["crop", 0], vae: ["ckpt", 2] }),
      img: loadImage(),
    },
    false,
  ],
  [
    "a scale to the model's own size before the sampler",
    {
      scale: node("FluxKontextImageScale", { image: ["img", 0] }),
      lat: node("VAEEncode", { pixels: ["scale", 0], vae: ["ckpt", 2] }),
      img: loadImage(),
    },
    false,
  ],
  [
    "a reference beside an empty latent",
    {
      img: loadImage(),
      ks: sampler({ positive: ["cn", 0], negative: ["cn", 1] }),
      cn: node("ControlNetApplyAdvanced", {
        positive: ["pos", 0],
        negative: ["neg", 0],
        image: ["img", 0],
        strength: 0.5,
      }),
    },
    false,
  ],
])("%s: the result keeps the image's size is %s", ([, others, keeps]) => {
  expect(found(textToImage(others)).workflow.keepsSize).toBe(keeps);
});
