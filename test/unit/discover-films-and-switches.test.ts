import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { bind } from "../../src/workflows/bind.ts";
import { filmGraph } from "../fixtures/exports/film.ts";
import {
  encoder,
  found,
  loadImage,
  node,
  sampler,
  textToImage,
  turn,
} from "../fixtures/exports/kinds.ts";

/** Two samplers that take turns, frames instead of a picture, and a node that makes a film of them. */
function wan(): Graph {
  return textToImage({
    lat: node("EmptyHunyuanLatentVideo", { width: 640, height: 368, length: 81, batch_size: 1 }),
    ks: turn({ steps: 4, start_at_step: 0, end_at_step: 2 }),
    low: turn({ steps: 4, start_at_step: 2, end_at_step: 4, latent_image: ["ks", 0] }),
    dec: node("VAEDecode", { samples: ["low", 0], vae: ["ckpt", 2] }),
    film: node("CreateVideo", { images: ["dec", 0], fps: 16 }),
    save: node("SaveVideo", {
      video: ["film", 0],
      filename_prefix: "x",
      format: "auto",
      codec: "auto",
    }),
  });
}

describe("films and sounds", () => {
  test("a film has its size, its frames and its rate", () => {
    const { parameters, workflow, tool, notes } = found(wan());

    expect(tool).toBe("mine");
    expect(parameters).toMatchObject({
      width: "lat.width = 640",
      height: "lat.height = 368",
      frames: "lat.length = 81",
      fps: "film.fps = 16",
    });
    expect(workflow.makesSize).toBe(true);
    expect(notes).toEqual([]);
  });

  test("a film from a picture starts from that picture", () => {
    const { parameters, tool } = found(
      textToImage({
        img: loadImage("First frame"),
        i2v: node("WanImageToVideo", {
          ...{
            positive: ["pos", 0],
            negative: ["neg", 0],
            vae: ["ckpt", 2],
            start_image: ["img", 0],
          },
          ...{ width: 832, height: 480, length: 33, batch_size: 1 },
        }),
        ks: sampler({ positive: ["i2v", 0], negative: ["i2v", 1], latent_image: ["i2v", 2] }),
        save: node("SaveAnimatedWEBP", { images: ["dec", 0], filename_prefix: "x", fps: 24 }),
      }),
    );

    expect(tool).toBe("mine");
    expect(parameters).toMatchObject({
      prompt: "pos.text *",
      image: "img.image *",
      width: "i2v.width = 832",
      frames: "i2v.length = 33",
      fps: "save.fps = 24",
    });
  });

  test("a song has words and a length", () => {
    const { parameters, notes } = found(
      textToImage({
        pos: node("TextEncodeAceStepAudio", { clip: ["ckpt", 1], tags: "folk", lyrics: "la la" }),
        lat: node("EmptyAceStepLatentAudio", { seconds: 120, batch_size: 1 }),
        dec: node("VAEDecodeAudio", { samples: ["ks", 0], vae: ["ckpt", 2] }),
        save: node("SaveAudioMP3", { audio: ["dec", 0], filename_prefix: "x", quality: "V0" }),
      }),
    );

    expect(parameters).toMatchObject({
      prompt: "pos.tags *",
      lyrics: "pos.lyrics = la la",
      seconds: "lat.seconds = 120",
    });
    expect(notes).toEqual([]);
  });

  test("a still picture has no frames, whatever its latent is called", () => {
    const still = filmGraph("SaveImage");

    expect(found(still).parameters).not.toHaveProperty("fps");
  });
});

describe("switches", () => {
  const between = (state: boolean) =>
    textToImage({
      img: loadImage(),
      enc: node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] }),
      sw: node("ComfySwitchNode", { switch: ["on", 0], on_false: ["lat", 0], on_true: ["enc", 0] }),
      on: node("PrimitiveBoolean", { value: state }),
      ks: sampler({ latent_image: ["sw", 0] }),
    });

  test("a picture on the branch that is not taken is not asked for", () => {
    const { tool, parameters, notes, workflow } = found(between(false));

    expect(tool).toBe("generate_image");
    expect(parameters).not.toHaveProperty("image");
    expect(workflow.graph).not.toHaveProperty("img");
    expect(notes).toEqual([
      'the switch sw (ComfySwitchNode) takes "on_false", so the picture of node img has no part in the result and is not offered',
    ]);
  });

  test("on the branch that is taken it is", () => {
    expect(found(between(true))).toMatchObject({
      tool: "img2img",
      parameters: { image: "img.image *" },
    });
  });

  test("a switch that its author offers stays a switch", () => {
    const graph = between(false);
    graph["on"] = node("PrimitiveBoolean", { value: false }, "input;From a picture");
    const { parameters } = found(graph);

    expect(parameters).toMatchObject({ from_a_picture: "on.value = false", image: "img.image *" });
  });
});

describe("pictures that may be left out", () => {
  const adapter = (model: string, image: string) =>
    node("IPAdapterAdvanced", { model: [model, 0], ipadapter: ["ipl", 1], image: [image, 0] });
  const references = textToImage({
    face: loadImage("Face"),
    style: loadImage("Style (optional)"),
    ipl: node("IPAdapterUnifiedLoader", { model: ["ckpt", 0], preset: "PLUS" }),
    ip: adapter("ipl", "face"),
    ip2: adapter("ip", "style"),
    ip3: adapter("ip2", "style"),
    ks: sampler({ model: ["ip3", 0] }),
  });

  test("what passes the model on beside such a picture is bypassed", () => {
    const { workflow } = found(references);
    const graph = bind(workflow, { prompt: "a mill", face: "a.png" });

    expect(graph).not.toHaveProperty("style");
    expect(graph).not.toHaveProperty("ip2");
    expect(graph["ks"]?.inputs["model"]).toEqual(["ip", 0]);
  });

  test("both conditionings pass a ControlNet that is left out", () => {
    const { workflow } = found(
      textToImage({
        pose: loadImage("Pose (optional)"),
        lines: node("Canny", { image: ["pose", 0], low_threshold: 0.4, high_threshold: 0.8 }),
        cn: node("ControlNetLoader", { control_net_name: "pose.safetensors" }),
        apply: node("ControlNetApplyAdvanced", {
          ...{ positive: ["pos", 0], negative: ["neg", 0], control_net: ["cn", 0] },
          ...{ image: ["lines", 0], strength: 1, start_percent: 0, end_percent: 1 },
        }),
        ks: sampler({ positive: ["apply", 0], negative: ["apply", 1] }),
      }),
    );
    const graph = bind(workflow, { prompt: "a mill" });

    expect(graph["ks"]?.inputs).toMatchObject({ positive: ["pos", 0], negative: ["neg", 0] });
    expect(Object.keys(graph)).not.toContain("apply");
  });

  test("one that the graph cannot do without must be given, and that is told", () => {
    const { parameters, notes } = found(
      textToImage({
        img: loadImage("Photo (optional)"),
        lat: node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] }),
      }),
    );

    expect(parameters["image"]).toBe("img.image *");
    expect(notes[0]).toContain("is titled optional, but the graph cannot do without it");
  });

  test("a title that is a word of the server's own names a picture all the same", () => {
    const { parameters } = found(
      textToImage({
        subject: loadImage("Subject"),
        back: loadImage("Background"),
        seed: loadImage("Seed"),
        lat: node("Mix", {
          a: ["subject", 0],
          b: ["back", 0],
          c: ["seed", 0],
          samples: ["lat0", 0],
        }),
        lat0: node("EmptyLatentImage", { width: 64, height: 64, batch_size: 1 }),
      }),
    );

    expect(parameters).toMatchObject({
      image: "subject.image *",
      background_image: "back.image *",
      seed_image: "seed.image *",
      seed: "ks.seed = 7",
    });
  });
});

test("where no picture of a size begins, that is told", () => {
  const { notes } = found(
    textToImage({
      pos: encoder("a mill"),
      lat: node("EmptyLatentSizePicker", { resolution: "1024x1024 (1.0)", batch_size: 1 }),
    }),
  );

  expect(notes).toEqual([
    "width and height are not offered: where the picture begins was not found",
  ]);
});
