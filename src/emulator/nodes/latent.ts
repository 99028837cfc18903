import { decoded } from "../decode.ts";
import type { NodeBehaviour, NodeResult } from "../node.ts";
import { type Inputs, images, type Latent } from "../values.ts";
import { grown } from "./mask.ts";

function emptyLatent(inputs: Inputs, multiple: number): NodeResult {
  const size = (name: string) =>
    Math.max(Math.trunc(inputs.number(name, 512) / multiple), 1) * multiple;
  const batch = inputs.number("batch_size", 1);
  const latent: Latent = { kind: "latent", width: size("width"), height: size("height"), batch };
  return { outputs: [latent] };
}

/** The VAE works in blocks of 8; what is over is cut off. */
function encoded(inputs: Inputs): Latent {
  inputs.take("handle", "vae");
  const { frames } = inputs.take("image", "pixels");
  const block = (length: number | undefined) => Math.max(Math.trunc((length ?? 8) / 8), 1) * 8;
  return {
    kind: "latent",
    width: block(frames[0]?.width),
    height: block(frames[0]?.height),
    batch: frames.length,
    pictures: frames,
  };
}

function encodedForInpaint(inputs: Inputs): NodeResult {
  const [mask] = inputs.take("mask", "mask").frames;
  const latent = encoded(inputs);
  const noiseMask = mask && grown(mask, inputs.number("grow_mask_by", 6));
  return { outputs: [noiseMask ? { ...latent, noiseMask } : latent] };
}

async function decode(inputs: Inputs): Promise<NodeResult> {
  inputs.take("handle", "vae");
  return { outputs: [images(await decoded(inputs.take("latent", "samples")))] };
}

function resized(inputs: Inputs, width: number, height: number): NodeResult {
  const below = inputs.take("latent", "samples");
  const block = (length: number) => Math.max(Math.round(length / 8), 1) * 8;
  const latent: Latent = {
    kind: "latent",
    width: block(width || (below.width * height) / below.height),
    height: block(height || (below.height * width) / below.width),
    batch: below.batch,
    below,
  };
  return { outputs: [latent] };
}

export const latentNodes: Record<string, NodeBehaviour> = {
  EmptyLatentImage: { run: (inputs) => emptyLatent(inputs, 8) },
  EmptySD3LatentImage: { run: (inputs) => emptyLatent(inputs, 8) },
  EmptyFlux2LatentImage: { run: (inputs) => emptyLatent(inputs, 16) },
  VAEEncode: { run: (inputs) => ({ outputs: [encoded(inputs)] }) },
  VAEEncodeForInpaint: { run: encodedForInpaint },
  VAEDecode: { run: decode },
  VAEDecodeTiled: { run: decode },
  SetLatentNoiseMask: {
    run: (inputs) => {
      const [noiseMask] = inputs.take("mask", "mask").frames;
      const latent = inputs.take("latent", "samples");
      return { outputs: [noiseMask ? { ...latent, noiseMask } : latent] };
    },
  },
  RepeatLatentBatch: {
    run: (inputs) => {
      const latent = inputs.take("latent", "samples");
      return { outputs: [{ ...latent, batch: latent.batch * inputs.number("amount", 1) }] };
    },
  },
  LatentUpscale: {
    run: (inputs) => {
      const [width, height] = [inputs.number("width"), inputs.number("height")];
      if (width === 0 && height === 0) return { outputs: [inputs.take("latent", "samples")] };
      return resized(inputs, width, height);
    },
  },
  LatentUpscaleBy: {
    run: (inputs) => {
      const { width, height } = inputs.take("latent", "samples");
      const by = inputs.number("scale_by", 1.5);
      return resized(inputs, width * by, height * by);
    },
  },
};
