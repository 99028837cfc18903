import { expect, test } from "vitest";
import { bind } from "../../src/workflows/bind.ts";
import {
  encoder,
  found,
  hires,
  node,
  sampler,
  textToImage,
  turn,
} from "../fixtures/exports/kinds.ts";

test("Stable Cascade: the stage that the text steers", () => {
  const { parameters } = found(
    textToImage({
      lat: node("StableCascade_EmptyLatentImage", { width: 1024, height: 768, compression: 42 }),
      zero: node("ConditioningZeroOut", { conditioning: ["pos", 0] }),
      stage: node("StableCascade_StageB_Conditioning", {
        conditioning: ["zero", 0],
        stage_c: ["ks", 0],
      }),
      b: sampler({
        steps: 10,
        cfg: 1.1,
        positive: ["stage", 0],
        negative: ["zero", 0],
        latent_image: ["lat", 1],
      }),
      dec: node("VAEDecode", { samples: ["b", 0], vae: ["ckpt", 2] }),
    }),
  );

  expect(parameters).toMatchObject({
    prompt: "pos.text *",
    steps: "ks.steps = 12",
    guidance: "ks.cfg = 6.5",
    seed: "b.seed + ks.seed = 7",
    width: "lat.width = 1024",
  });
});

test("high and low noise: both, each with its share of the steps", () => {
  const { workflow } = found(
    textToImage({
      ks: turn({ steps: 8, start_at_step: 0, end_at_step: 2 }),
      low: turn({ steps: 8, start_at_step: 2, end_at_step: 8, latent_image: ["ks", 0] }),
      dec: node("VAEDecode", { samples: ["low", 0], vae: ["ckpt", 2] }),
    }),
  );

  const graph = bind(workflow, { steps: 20, guidance: 3, sampler: "dpmpp_2m" });

  const both = { steps: 20, cfg: 3, sampler_name: "dpmpp_2m" };
  expect(graph["ks"]?.inputs).toMatchObject({ ...both, start_at_step: 0, end_at_step: 5 });
  expect(graph["low"]?.inputs).toMatchObject({ ...both, start_at_step: 5, end_at_step: 20 });
});

test("one of two that goes without guidance keeps going without", () => {
  const { parameters } = found(
    textToImage({
      ks: turn({ cfg: 3.5, start_at_step: 0, end_at_step: 6 }),
      low: turn({ cfg: 1, start_at_step: 6, end_at_step: 12, latent_image: ["ks", 0] }),
      dec: node("VAEDecode", { samples: ["low", 0], vae: ["ckpt", 2] }),
    }),
  );

  expect(parameters).toMatchObject({
    guidance: "ks.cfg = 3.5",
    negative_prompt: "neg.text = grainy",
    steps: "low.steps + ks.steps + low.start_at_step + low.end_at_step + ks.end_at_step = 12",
  });
});

test("two branches side by side: both", () => {
  const { parameters } = found(
    textToImage({
      pos2: encoder("a mill by a river"),
      ks2: sampler({ positive: ["pos2", 0] }),
      dec2: node("VAEDecode", { samples: ["ks2", 0], vae: ["ckpt", 2] }),
      save2: node("SaveImage", { filename_prefix: "x", images: ["dec2", 0] }),
    }),
  );

  expect(parameters).toMatchObject({
    prompt: "pos.text + pos2.text *",
    steps: "ks.steps + ks2.steps = 12",
    scheduler: "ks.scheduler + ks2.scheduler = normal",
  });
});

test("a later pass that only refines: the first alone", () => {
  const { parameters } = found(hires());

  expect(parameters).toMatchObject({ steps: "ks.steps = 12", guidance: "ks.cfg = 6.5" });
  expect(parameters["seed"]).toBe("again.seed + ks.seed = 7");
});

test("a pack's sampler with conditionings of other names", () => {
  const { parameters } = found(
    textToImage({
      ks: node("XlabsSampler", {
        noise_seed: 5,
        steps: 25,
        true_gs: 3.5,
        denoise_strength: 1,
        conditioning: ["pos", 0],
        neg_conditioning: ["neg", 0],
        latent_image: ["lat", 0],
      }),
    }),
  );

  expect(parameters).toMatchObject({
    prompt: "pos.text *",
    negative_prompt: "neg.text = grainy",
    steps: "ks.steps = 25",
    guidance: "ks.true_gs = 3.5",
  });
});

test("loaders that encode the texts and make the latent", () => {
  const texts = { positive: "a mill", negative: "grainy" };
  const size = { empty_latent_width: 640, empty_latent_height: 384 };
  const { parameters } = found({
    load: node("easy fullLoader", { ...texts, ...size, resolution: "width x height (custom)" }),
    pre: node("easy preSampling", {
      steps: 9,
      cfg: 5,
      sampler_name: "euler",
      seed: 1,
      pipe: ["load", 0],
    }),
    ks: node("easy kSampler", { pipe: ["pre", 0] }),
    save: node("SaveImage", { filename_prefix: "x", images: ["ks", 1] }),
  });

  expect(parameters).toMatchObject({
    prompt: "load.positive *",
    negative_prompt: "load.negative = grainy",
    width: "load.empty_latent_width = 640",
    steps: "pre.steps = 9",
    guidance: "pre.cfg = 5",
  });
});

test("a distilled model without guidance offers none, and says so", () => {
  const { parameters, notes } = found(textToImage({ ks: sampler({ cfg: 1 }) }));

  expect(parameters).not.toHaveProperty("guidance");
  expect(parameters).not.toHaveProperty("negative_prompt");
  expect(notes).toEqual([
    "guidance and negative_prompt are not offered: the workflow runs without it (cfg is 1 in ks.cfg), as distilled models do",
  ]);
});
