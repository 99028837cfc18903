import type { NodeBehaviour, NodeResult } from "../node.ts";
import { foreground } from "../paint/foreground.ts";
import {
  channel,
  filledMask,
  joinAlpha,
  type MaskRaster,
  mapMask,
  type Raster,
  withoutAlpha,
} from "../raster.ts";
import { scaledMask } from "../scale.ts";
import { type Inputs, images, masks } from "../values.ts";

const channels = { red: 0, green: 1, blue: 2, alpha: 3 } as const;

/** Spreads the mask by `by` pixels (shrinks it when negative), along rows then columns. */
export function grown(mask: MaskRaster, by: number): MaskRaster {
  if (by === 0) return mask;
  const { width, height } = mask;
  const rows = swept(mask.data, width, height, 1, width, by);
  return { width, height, data: swept(rows, height, width, width, 1, by) };
}

/** The largest (smallest) value within reach along one direction. */
function swept(
  data: Buffer,
  length: number,
  lines: number,
  step: number,
  lineStep: number,
  by: number,
): Buffer {
  const reach = Math.abs(by);
  const result = Buffer.alloc(data.length);
  const better = by > 0 ? Math.max : Math.min;
  for (let line = 0; line < lines; line += 1) {
    for (let at = 0; at < length; at += 1) {
      let value = data[line * lineStep + at * step] ?? 0;
      const end = Math.min(at + reach, length - 1);
      for (let near = Math.max(at - reach, 0); near <= end; near += 1) {
        value = better(value, data[line * lineStep + near * step] ?? 0);
      }
      result[line * lineStep + at * step] = value;
    }
  }
  return result;
}

function inverted(mask: MaskRaster): MaskRaster {
  return mapMask(mask, (value) => 255 - value);
}

function eachMask(change: (mask: MaskRaster, inputs: Inputs) => MaskRaster): NodeBehaviour {
  return {
    run: (inputs) => ({
      outputs: [masks(inputs.take("mask", "mask").frames.map((mask) => change(mask, inputs)))],
    }),
  };
}

function feathered(mask: MaskRaster, inputs: Inputs): MaskRaster {
  const { width, height } = mask;
  const [left, top] = [inputs.number("left"), inputs.number("top")];
  const [right, bottom] = [inputs.number("right"), inputs.number("bottom")];
  const ramp = (at: number, end: number, first: number, last: number) => {
    const fromStart = at < first ? (at + 1) / first : 1;
    const fromEnd = end - 1 - at < last ? (end - at) / last : 1;
    return fromStart * fromEnd;
  };
  const data = Buffer.from(mask.data);
  for (let at = 0; at < data.length; at += 1) {
    const across = ramp(at % width, width, left, right);
    const down = ramp(Math.trunc(at / width), height, top, bottom);
    data[at] = Math.round((data[at] ?? 0) * across * down);
  }
  return { ...mask, data };
}

/** The mask is turned round inside: what it marks becomes transparent. */
async function joinImageWithAlpha(inputs: Inputs): Promise<NodeResult> {
  const { frames: alphas } = inputs.take("mask", "alpha");
  const joined = inputs.take("image", "image").frames.map(async (raster, index) => {
    const mask = alphas[Math.min(index, alphas.length - 1)];
    if (!mask) return raster;
    return joinAlpha(raster, inverted(await scaledMask(mask, raster.width, raster.height)));
  });
  return { outputs: [images(await Promise.all(joined))] };
}

function splitImageWithAlpha(inputs: Inputs): NodeResult {
  const { frames } = inputs.take("image", "image");
  const alphas = frames.map((raster) => inverted(alphaOf(raster)));
  return { outputs: [images(frames.map(withoutAlpha)), masks(alphas)] };
}

function alphaOf(raster: Raster): MaskRaster {
  return channel(raster, channels.alpha) ?? filledMask(raster.width, raster.height, 255);
}

async function cutOut(inputs: Inputs): Promise<NodeResult> {
  inputs.take("handle", "model");
  const { cut, found } = await subjectOf(inputs.take("image", "images").frames);
  return { outputs: [images(cut), masks(found)] };
}

/** The RMBG pack's nodes load their model by name, and give the mask as a picture too. */
async function cutOutByName(inputs: Inputs): Promise<NodeResult> {
  const { cut, found } = await subjectOf(inputs.take("image", "image").frames);
  return { outputs: [images(cut), masks(found), images(found.map(asImage))] };
}

async function subjectOf(frames: readonly Raster[]) {
  const found = await Promise.all(frames.map(foreground));
  const cut = frames.map((raster, index) => joinAlpha(raster, found[index] ?? alphaOf(raster)));
  return { cut, found };
}

async function backgroundMask(inputs: Inputs, model: string, image: string): Promise<NodeResult> {
  inputs.take("handle", model);
  return {
    outputs: [masks(await Promise.all(inputs.take("image", image).frames.map(foreground)))],
  };
}

function asImage({ width, height, data }: MaskRaster): Raster {
  const rgb = Buffer.alloc(data.length * 3);
  data.forEach((value, at) => {
    rgb.fill(value, at * 3, at * 3 + 3);
  });
  return { width, height, channels: 3, data: rgb };
}

export const maskNodes: Record<string, NodeBehaviour> = {
  InvertMask: eachMask(inverted),
  GrowMask: eachMask((mask, inputs) => grown(mask, inputs.number("expand"))),
  FeatherMask: eachMask(feathered),
  ThresholdMask: eachMask((mask, inputs) => {
    const limit = inputs.number("value", 0.5) * 255;
    return mapMask(mask, (value) => (value > limit ? 255 : 0));
  }),
  SolidMask: {
    run: (inputs) => {
      const value = Math.round(inputs.number("value", 1) * 255);
      const [width, height] = [inputs.number("width", 512), inputs.number("height", 512)];
      return { outputs: [masks([filledMask(width, height, value)])] };
    },
  },
  MaskToImage: {
    run: (inputs) => ({ outputs: [images(inputs.take("mask", "mask").frames.map(asImage))] }),
  },
  ImageToMask: {
    run: (inputs) => {
      const index = channels[inputs.text("channel") as keyof typeof channels] ?? 0;
      const { frames } = inputs.take("image", "image");
      return {
        outputs: [masks(frames.map((raster) => channel(raster, index) ?? alphaOf(raster)))],
      };
    },
  },
  JoinImageWithAlpha: { run: joinImageWithAlpha },
  SplitImageWithAlpha: { run: splitImageWithAlpha },
  RemoveBackground: { run: (inputs) => backgroundMask(inputs, "bg_removal_model", "image") },
  RembgByBiRefNet: { run: cutOut },
  RembgByBiRefNetAdvanced: { run: cutOut },
  BiRefNetRMBG: { run: cutOutByName },
  RMBG: { run: cutOutByName },
  GetMaskByBiRefNet: { run: (inputs) => backgroundMask(inputs, "model", "images") },
};
