import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { bind } from "../../src/workflows/bind.ts";
import { parametersOf } from "../fixtures/exports/exports.ts";
import {
  found,
  loadImage,
  loadMask,
  node,
  sampler,
  textToImage,
} from "../fixtures/exports/kinds.ts";

describe("masks", () => {
  const image = { img: loadImage("Face reference") };

  test("a mask that steers attention makes no inpainting", () => {
    const { workflow, tool } = found(
      textToImage({
        ...image,
        mask: loadMask("red", "Where the face applies"),
        ks: sampler({ model: ["ip", 0] }),
        ip: node("IPAdapterAdvanced", {
          model: ["ckpt", 0],
          image: ["img", 0],
          attn_mask: ["mask", 0],
        }),
      }),
    );

    expect(tool).toBe("img2img");
    expect(workflow).toMatchObject({ repaints: false, keepsSize: false });
    expect(workflow.parameters["image"]?.description).toBe("Face reference");
    expect(workflow.parameters["mask"]?.description).toBe("Where the face applies");
  });

  test("a mask of a region needs no image", () => {
    const { workflow, parameters } = found(
      textToImage({
        mask: loadMask(),
        ks: sampler({ positive: ["area", 0] }),
        area: node("ConditioningSetMask", {
          conditioning: ["pos", 0],
          mask: ["mask", 0],
          strength: 1,
        }),
      }),
    );

    expect(parameters).toMatchObject({ mask: "mask.image *", prompt: "pos.text *" });
    expect(parameters).not.toHaveProperty("image");
    expect(workflow.repaints).toBe(false);
  });

  test.for<[what: string, mask: Graph[string], output: number]>([
    ["ComfyUI's default, alpha", loadMask("alpha"), 0],
    ["the mask of a LoadImage", loadImage(), 1],
  ])("%s is read from red, for a caller's mask is black and white", ([, mask, output]) => {
    const { workflow, tool } = found(
      textToImage({
        img: loadImage(),
        mask,
        lat: node("VAEEncodeForInpaint", {
          pixels: ["img", 0],
          vae: ["ckpt", 2],
          mask: ["mask", output],
          grow_mask_by: 6,
        }),
      }),
    );

    expect(tool).toBe("inpaint");
    expect(workflow.repaints).toBe(true);
    expect(workflow.graph["mask"]).toMatchObject({
      class_type: "LoadImageMask",
      inputs: { channel: "red" },
    });
    expect(workflow.graph["lat"]?.inputs["mask"]).toEqual(["mask", 0]);
  });

  test("a mask drawn for a ControlNet is a mask of its own, and nothing is laid back", () => {
    const { workflow, parameters } = found(
      textToImage({
        img: loadImage(),
        ks: sampler({ positive: ["cn", 0], negative: ["cn", 1] }),
        cn: node("ControlNetInpaintingAliMamaApply", {
          positive: ["pos", 0],
          negative: ["neg", 0],
          image: ["img", 0],
          mask: ["img", 1],
          strength: 1,
        }),
      }),
    );

    expect(parameters).toMatchObject({ image: "img.image *", mask: "img:mask.image *" });
    expect(workflow.repaints).toBe(false);
  });

  test.for<[what: string, lat: Graph]>([
    [
      "SetLatentNoiseMask",
      {
        enc: node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] }),
        lat: node("SetLatentNoiseMask", { samples: ["enc", 0], mask: ["grown", 0] }),
      },
    ],
    [
      "InpaintModelConditioning",
      {
        lat: node("InpaintModelConditioning", {
          positive: ["pos", 0],
          negative: ["neg", 0],
          vae: ["ckpt", 2],
          pixels: ["img", 0],
          mask: ["grown", 0],
        }),
        ks: sampler({ positive: ["lat", 0], negative: ["lat", 1], latent_image: ["lat", 2] }),
      },
    ],
  ])("a mask that goes into %s repaints, grown or not", ([, lat]) => {
    const { workflow, tool } = found(
      textToImage({
        img: loadImage(),
        grown: node("GrowMask", { mask: ["img", 1], expand: 4, tapered_corners: true }),
        ...lat,
      }),
    );

    expect(tool).toBe("inpaint");
    expect(workflow).toMatchObject({ repaints: true, keepsSize: true });
  });

  test("a picture's own transparency is no mask", () => {
    const { parameters } = found({
      img: loadImage(),
      blur: node("ImageBlur", { image: ["img", 0] }),
      join: node("JoinImageWithAlpha", { image: ["blur", 0], alpha: ["img", 1] }),
      save: node("SaveImage", { filename_prefix: "x", images: ["join", 0] }),
    });

    expect(parameters).toEqual({ image: "img.image *" });
  });
});

describe("images", () => {
  test.for<[classType: string, input: string]>([
    ["ETN_LoadImageBase64", "image"],
    ["easy loadImageBase64", "base64_data"],
    ["LoadImageFromUrlOrPath", "url_or_path"],
    ["LoadImageFromURL", "url"],
  ])("%s gives its place to the caller's picture", ([classType, input]) => {
    const { workflow, tool } = found(
      textToImage({
        img: node(classType, { [input]: "iVBORw0KGgo=" }),
        lat: node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] }),
        ks: sampler({ denoise: 0.6 }),
      }),
    );

    expect(tool).toBe("img2img");
    expect(workflow.graph["img"]).toEqual({
      class_type: "LoadImage",
      inputs: { image: "example.png" },
    });
    expect(parametersOf(workflow)).toMatchObject({
      image: "img.image *",
      strength: "ks.denoise = 0.6",
    });
  });

  test("a loader that no output needs changes nothing, and is not asked for its file", () => {
    const { tool, workflow } = found(
      textToImage({
        img: loadImage(),
        show: node("PreviewImage", { images: ["img", 0] }),
        progress: node("PreviewImage", { images: ["dec", 0] }),
      }),
    );

    expect(tool).toBe("generate_image");
    expect(workflow.parameters).not.toHaveProperty("image");
    expect(workflow.graph).not.toHaveProperty("img");
    expect(workflow.graph).not.toHaveProperty("show");
    expect(workflow.graph).toHaveProperty("progress");
  });

  test("titles name several images, and say which may be left out", () => {
    const apply = (image: string) => ({
      image: [image, 0] as [string, number],
      model: ["ckpt", 0] as [string, number],
    });
    const { workflow } = found(
      textToImage({
        a: loadImage("Face"),
        b: loadImage("(Optional) Style picture"),
        c: loadImage("Load Image"),
        ks: sampler({ model: ["ip", 0] }),
        ip: node("IPAdapterAdvanced", { ...apply("a"), image_2: ["b", 0], image_3: ["c", 0] }),
      }),
    );

    expect(workflow.parameters).toMatchObject({
      face: { required: true, description: "Face" },
      style_picture: { required: false, description: "Style picture" },
      image_3: { required: true },
    });
    const graph = bind(workflow, { face: "a.png", image_3: "c.png" });
    expect(graph).not.toHaveProperty("b");
    expect(graph["ip"]?.inputs).not.toHaveProperty("image_2");
    expect(graph["a"]?.inputs["image"]).toBe("a.png");
    expect(bind(workflow, { style_picture: "b.png" })["b"]?.inputs["image"]).toBe("b.png");
  });

  test("an optional picture takes along what only works on it, and nothing that is needed", () => {
    const others = { scale: node("ImageScaleBy", { image: ["b", 0], scale_by: 0.5 }) };
    const edit = (image: [string, number]) =>
      found(
        textToImage({
          b: loadImage("Style (optional)"),
          ...others,
          pos: node("TextEncodeQwenImageEditPlus", {
            prompt: "x",
            clip: ["ckpt", 1],
            image2: ["scale", 0],
          }),
          save: node("SaveImage", { filename_prefix: "x", images: image }),
        }),
      ).workflow;

    const graph = bind(edit(["dec", 0]), {});
    expect(Object.keys(graph)).not.toContain("b");
    expect(Object.keys(graph)).not.toContain("scale");
    expect(graph["pos"]?.inputs).not.toHaveProperty("image2");
    expect(bind(edit(["scale", 0]), {})).toHaveProperty("b");
  });
});
