import { decoded } from "../decode.ts";
import type { NodeBehaviour, NodeResult } from "../node.ts";
import type { Raster } from "../raster.ts";
import type { Conditioning, Images, Inputs, Latent } from "../values.ts";

function prompt(text: string, references: Raster[] = []): NodeResult {
  const conditioning: Conditioning = { kind: "conditioning", text, references };
  return { outputs: [conditioning] };
}

/** Fails on a CLIP that is none, as the encoder would. */
function encode(inputs: Inputs, text: string, references: Raster[] = []): NodeResult {
  inputs.take("handle", "clip");
  return prompt(text, references);
}

function unchanged(input: string): NodeBehaviour {
  return { run: (inputs) => ({ outputs: [inputs.take("conditioning", input)] }) };
}

function frames(inputs: Inputs, ...names: string[]): Raster[] {
  return names.flatMap((name) => inputs.maybe("image", name)?.frames ?? []);
}

/** A control or style picture shows in the result like an edit model's reference. */
function withReference(inputs: Inputs, name: string, references: Raster[]): Conditioning {
  const base = inputs.take("conditioning", name);
  return { ...base, references: [...base.references, ...references] };
}

function controlNet(inputs: Inputs): NodeResult {
  const { frames: hint } = inputs.take("image", "image");
  inputs.take("handle", "control_net");
  const shown = inputs.number("strength", 1) > 0 ? hint : [];
  return {
    outputs: [withReference(inputs, "positive", shown), inputs.take("conditioning", "negative")],
  };
}

async function referenceLatent(inputs: Inputs): Promise<NodeResult> {
  const latent = inputs.maybe("latent", "latent");
  const references = latent ? await decoded(latent) : [];
  return { outputs: [withReference(inputs, "conditioning", references)] };
}

/** The picture as the model sees it comes along with the part that may change. */
function inpaint(inputs: Inputs): NodeResult {
  const { frames: pictures } = inputs.take("image", "pixels");
  const { frames: masks } = inputs.take("mask", "mask");
  const [first] = pictures;
  const latent: Latent = {
    kind: "latent",
    width: first ? Math.trunc(first.width / 8) * 8 : 8,
    height: first ? Math.trunc(first.height / 8) * 8 : 8,
    batch: pictures.length,
    pictures,
    ...(inputs.flag("noise_mask") && masks[0] ? { noiseMask: masks[0] } : {}),
  };
  const positive = inputs.take("conditioning", "positive");
  const filling = masks[0] ? { ...positive, fillMask: masks[0] } : positive;
  return { outputs: [filling, inputs.take("conditioning", "negative"), latent] };
}

export const conditioningNodes: Record<string, NodeBehaviour> = {
  CLIPTextEncode: { run: (inputs) => encode(inputs, inputs.text("text")) },
  CLIPTextEncodeFlux: { run: (inputs) => encode(inputs, inputs.text("t5xxl")) },
  CLIPTextEncodeSDXL: { run: (inputs) => encode(inputs, inputs.text("text_g")) },
  ConditioningZeroOut: { run: () => prompt("") },
  ConditioningCombine: { run: combine },
  ConditioningConcat: { run: combine },
  FluxGuidance: unchanged("conditioning"),
  FluxDisableGuidance: unchanged("conditioning"),
  FluxKontextMultiReferenceLatentMethod: unchanged("conditioning"),
  ReferenceLatent: { run: referenceLatent },
  InpaintModelConditioning: { run: inpaint },
  ControlNetApplyAdvanced: { run: controlNet },
  ControlNetApply: {
    run: (inputs) => ({
      outputs: [withReference(inputs, "conditioning", inputs.take("image", "image").frames)],
    }),
  },
  CLIPVisionEncode: {
    run: (inputs) => {
      inputs.take("handle", "clip_vision");
      return { outputs: [inputs.take("image", "image")] };
    },
  },
  StyleModelApply: { run: applyStyle },
  TextEncodeQwenImageEdit: {
    run: (inputs) => encode(inputs, inputs.text("prompt"), frames(inputs, "image")),
  },
  TextEncodeQwenImageEditPlus: {
    run: (inputs) =>
      encode(inputs, inputs.text("prompt"), frames(inputs, "image1", "image2", "image3")),
  },
};

function combine(inputs: Inputs): NodeResult {
  const parts = Object.keys(inputs.values).map((name) => inputs.take("conditioning", name));
  return prompt(
    parts.map(({ text }) => text).join(" "),
    parts.flatMap(({ references }) => references),
  );
}

/** What CLIPVisionEncode gives here is the picture itself. */
function applyStyle(inputs: Inputs): NodeResult {
  const seen: Images = inputs.take("image", "clip_vision_output");
  return { outputs: [withReference(inputs, "conditioning", seen.frames)] };
}
