import type { Preview } from "../../as-comfyui/frames.ts";
import { scene } from "../decode.ts";
import type { NodeBehaviour, NodeContext, NodeResult } from "../node.ts";
import { sharpOf } from "../raster.ts";
import {
  type Conditioning,
  type Guider,
  handle,
  type Inputs,
  type Latent,
  type Model,
  type Noise,
  type Recipe,
  type Sigmas,
} from "../values.ts";

/** ComfyUI's `--preview-size`. */
const previewSize = 512;

async function sample(below: Latent, recipe: Recipe, context: NodeContext): Promise<Latent> {
  const preview = context.wantsPreviews ? await previews(below, recipe) : undefined;
  for (let step = 1; step <= recipe.steps; step += 1) {
    await context.step();
    await context.tick(step, recipe.steps, await preview?.(step / recipe.steps));
  }
  const { width, height, batch } = below;
  const noiseMask = below.noiseMask ?? recipe.positive.fillMask;
  const result: Latent = { kind: "latent", width, height, batch, recipe, below };
  return noiseMask ? { ...result, noiseMask } : result;
}

/** The picture comes out of a blur as the steps go on. */
async function previews(
  { width, height }: Latent,
  recipe: Recipe,
): Promise<(share: number) => Promise<Preview>> {
  const scale = Math.min(previewSize / Math.max(width, height), 1);
  const size = (length: number) => Math.max(Math.round(length * scale), 16);
  const picture = await scene(recipe, size(width), size(height), 0);
  return async (share) => {
    const blur = (1 - share) * 12;
    const image = blur > 0.3 ? sharpOf(picture).blur(blur) : sharpOf(picture);
    return { format: "jpeg", bytes: await image.jpeg({ quality: 95 }).toBuffer() };
  };
}

function recipeOf(inputs: Inputs, seed: string, denoise: number): Recipe {
  return {
    positive: inputs.take("conditioning", "positive"),
    negative: inputs.take("conditioning", "negative"),
    model: inputs.take("model", "model"),
    seed: inputs.number(seed),
    steps: inputs.number("steps", 1),
    cfg: inputs.number("cfg", 1),
    denoise,
  };
}

async function kSampler(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const recipe = recipeOf(inputs, "seed", inputs.number("denoise", 1));
  return { outputs: [await sample(inputs.take("latent", "latent_image"), recipe, context)] };
}

/** Starting later leaves more of what is below, like a lower denoise. */
async function kSamplerAdvanced(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const all = inputs.number("steps", 1);
  const start = Math.min(inputs.number("start_at_step"), all);
  const end = Math.min(inputs.number("end_at_step", all), all);
  const recipe = recipeOf(inputs, "noise_seed", (all - start) / all);
  const part = { ...recipe, steps: Math.max(end - start, 0) };
  return { outputs: [await sample(inputs.take("latent", "latent_image"), part, context)] };
}

async function customAdvanced(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const { positive, negative, model, cfg } = inputs.take("guider", "guider");
  const { steps, denoise } = inputs.take("sigmas", "sigmas");
  const { seed } = inputs.take("noise", "noise");
  const recipe = { positive, negative, model, seed, steps, cfg, denoise };
  const latent = await sample(inputs.take("latent", "latent_image"), recipe, context);
  return { outputs: [latent, latent] };
}

async function custom(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const { steps, denoise } = inputs.take("sigmas", "sigmas");
  const recipe = { ...recipeOf(inputs, "noise_seed", denoise), steps };
  const latent = await sample(inputs.take("latent", "latent_image"), recipe, context);
  return { outputs: [latent, latent] };
}

const nothing: Conditioning = { kind: "conditioning", text: "", references: [] };

function guider(inputs: Inputs): Guider {
  const model = inputs.take("model", "model");
  const positive = inputs.maybe("conditioning", "positive");
  if (!positive) {
    const conditioning = inputs.take("conditioning", "conditioning");
    return { kind: "guider", model, positive: conditioning, negative: nothing, cfg: 1 };
  }
  const negative = inputs.take("conditioning", "negative");
  return { kind: "guider", model, positive, negative, cfg: inputs.number("cfg", 1) };
}

function sigmas(inputs: Inputs): NodeResult {
  const denoise = inputs.number("denoise", 1);
  const result: Sigmas = { kind: "sigmas", steps: inputs.number("steps", 1), denoise };
  return { outputs: [result] };
}

/** Patches that change how a real model samples leave these pictures as they are. */
const samePatch: NodeBehaviour = {
  run: (inputs) => {
    const model: Model = inputs.take("model", "model");
    return { outputs: [model] };
  },
};

/** A model that goes by a picture is as good as another file. */
const adapted: NodeBehaviour = {
  run: (inputs) => {
    const base: Model = inputs.take("model", "model");
    inputs.take("handle", "ipadapter");
    inputs.take("image", "image");
    const weight = inputs.number("weight", 1);
    if (weight === 0) return { outputs: [base] };
    return { outputs: [{ kind: "model", files: [...base.files, `ipadapter:${weight}`] }] };
  },
};

export const samplingNodes: Record<string, NodeBehaviour> = {
  KSampler: { run: kSampler, steps: true },
  KSamplerAdvanced: { run: kSamplerAdvanced, steps: true },
  SamplerCustom: { run: custom, steps: true },
  SamplerCustomAdvanced: { run: customAdvanced, steps: true },
  KSamplerSelect: {
    run: (inputs) => ({ outputs: [handle("SAMPLER", inputs.text("sampler_name"))] }),
  },
  BasicScheduler: { run: sigmas },
  Flux2Scheduler: { run: sigmas },
  SDTurboScheduler: { run: sigmas },
  BasicGuider: { run: (inputs) => ({ outputs: [guider(inputs)] }) },
  CFGGuider: { run: (inputs) => ({ outputs: [guider(inputs)] }) },
  RandomNoise: {
    run: (inputs) => {
      const noise: Noise = { kind: "noise", seed: inputs.number("noise_seed") };
      return { outputs: [noise] };
    },
  },
  DisableNoise: { run: () => ({ outputs: [{ kind: "noise", seed: 0 } satisfies Noise] }) },
  ModelSamplingFlux: samePatch,
  ModelSamplingSD3: samePatch,
  ModelSamplingAuraFlow: samePatch,
  DifferentialDiffusion: samePatch,
  CFGNorm: samePatch,
  FreeU_V2: samePatch,
  IPAdapterAdvanced: adapted,
};
