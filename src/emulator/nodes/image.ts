import type { NodeBehaviour, NodeContext, NodeResult } from "../node.ts";
import {
  filled,
  filledMask,
  type MaskRaster,
  mixed,
  type Raster,
  rasterOf,
  sharpOf,
  withoutAlpha,
} from "../raster.ts";
import { scaled, scaledMask } from "../scale.ts";
import { type Inputs, images, masks } from "../values.ts";

/** The sizes Kontext was trained on, about a megapixel each. */
const kontextSizes = [
  ...[
    [672, 1568],
    [688, 1504],
    [720, 1456],
    [752, 1392],
    [800, 1328],
    [832, 1248],
  ],
  ...[
    [880, 1184],
    [944, 1104],
    [1024, 1024],
    [1104, 944],
    [1184, 880],
    [1248, 832],
  ],
  ...[
    [1328, 800],
    [1392, 752],
    [1456, 720],
    [1504, 688],
    [1568, 672],
  ],
] as [number, number][];

type Change = (raster: Raster, inputs: Inputs) => Raster | Promise<Raster>;

function eachFrame(change: Change): NodeBehaviour {
  return {
    run: async (inputs) => {
      const { frames } = inputs.take("image", "image");
      return { outputs: [images(await Promise.all(frames.map((frame) => change(frame, inputs))))] };
    },
  };
}

/** Beyond the last picture it is the last (`comfy_extras/nodes_images.py`). */
function imageFromBatch(inputs: Inputs): NodeResult {
  const { frames } = inputs.take("image", "image");
  const asked = inputs.number("batch_index");
  const from = Math.min(frames.length - 1, asked < 0 ? Math.max(0, frames.length + asked) : asked);
  return { outputs: [images(frames.slice(from, from + inputs.number("length")))] };
}

/** 0 for one side keeps the proportions; 0 for both keeps the picture. */
function imageScale(raster: Raster, inputs: Inputs): Raster | Promise<Raster> {
  const [width, height] = [inputs.number("width"), inputs.number("height")];
  if (width === 0 && height === 0) return raster;
  return scaled(
    raster,
    width || Math.max(1, Math.round((raster.width * height) / raster.height)),
    height || Math.max(1, Math.round((raster.height * width) / raster.width)),
    inputs.text("upscale_method"),
    inputs.text("crop"),
  );
}

function scaledBy(raster: Raster, factor: number, method: string): Promise<Raster> {
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return scaled(raster, side(raster.width), side(raster.height), method);
}

function toMegapixels(raster: Raster, inputs: Inputs): Promise<Raster> {
  const wanted = inputs.number("megapixels", 1) * 1024 * 1024;
  const factor = Math.sqrt(wanted / (raster.width * raster.height));
  const multiple = inputs.number("resolution_steps", 1);
  const side = (length: number) => Math.max(Math.round((length * factor) / multiple) * multiple, 1);
  return scaled(raster, side(raster.width), side(raster.height), inputs.text("upscale_method"));
}

function toMaxDimension(raster: Raster, inputs: Inputs): Promise<Raster> {
  const factor = inputs.number("largest_size", 512) / Math.max(raster.width, raster.height);
  return scaledBy(raster, factor, inputs.text("upscale_method"));
}

function toKontextSize(raster: Raster): Promise<Raster> {
  const ratio = raster.width / raster.height;
  const [width, height] = kontextSizes.reduce((best, size) =>
    Math.abs(size[0] / size[1] - ratio) < Math.abs(best[0] / best[1] - ratio) ? size : best,
  );
  return scaled(raster, width, height, "lanczos", "center");
}

function inverted(raster: Raster): Raster {
  const data = Buffer.from(raster.data);
  for (let at = 0; at < data.length; at += 1) data[at] = 255 - (data[at] ?? 0);
  return { ...raster, data };
}

function canny(raster: Raster): Promise<Raster> {
  const edges = { width: 3, height: 3, kernel: [-1, -1, -1, -1, 8, -1, -1, -1, -1] };
  return rasterOf(sharpOf(withoutAlpha(raster)).greyscale().convolve(edges));
}

function cropped(raster: Raster, inputs: Inputs): Promise<Raster> {
  const left = Math.min(inputs.number("x"), raster.width - 1);
  const top = Math.min(inputs.number("y"), raster.height - 1);
  const width = Math.min(inputs.number("width"), raster.width - left);
  const height = Math.min(inputs.number("height"), raster.height - top);
  return rasterOf(sharpOf(raster).extract({ left, top, width, height }));
}

/** Grey around the picture, and a mask that is 1 there and fades into the picture. */
async function padForOutpaint(inputs: Inputs): Promise<NodeResult> {
  const side = (name: string) => inputs.number(name);
  const [left, top, right, bottom] = [side("left"), side("top"), side("right"), side("bottom")];
  const { frames } = inputs.take("image", "image");
  const background = { r: 127, g: 127, b: 127 };
  const padded = await Promise.all(
    frames.map((frame) =>
      rasterOf(sharpOf(withoutAlpha(frame)).extend({ left, top, right, bottom, background })),
    ),
  );
  const [inner] = frames;
  if (!inner) return { outputs: [images([]), masks([])] };
  const mask = outpaintMask(inner, { left, top, right, bottom }, inputs.number("feathering"));
  return { outputs: [images(padded), masks([mask])] };
}

type Sides = Record<"left" | "top" | "right" | "bottom", number>;

function outpaintMask(inner: Raster, sides: Sides, feathering: number): MaskRaster {
  const width = inner.width + sides.left + sides.right;
  const height = inner.height + sides.top + sides.bottom;
  const mask = filledMask(width, height, 255);
  for (let y = 0; y < inner.height; y += 1) {
    for (let x = 0; x < inner.width; x += 1) {
      const near = nearestPadding(inner, sides, x, y);
      const share = near < feathering ? (feathering - near) / feathering : 0;
      mask.data[(y + sides.top) * width + x + sides.left] = Math.round(share * share * 255);
    }
  }
  return mask;
}

/** Only sides that were padded count. */
function nearestPadding({ width, height }: Raster, sides: Sides, x: number, y: number): number {
  return Math.min(
    sides.left > 0 ? x : Number.POSITIVE_INFINITY,
    sides.top > 0 ? y : Number.POSITIVE_INFINITY,
    sides.right > 0 ? width - x : Number.POSITIVE_INFINITY,
    sides.bottom > 0 ? height - y : Number.POSITIVE_INFINITY,
  );
}

async function composite(inputs: Inputs): Promise<NodeResult> {
  const { frames: under } = inputs.take("image", "destination");
  const { frames: over } = inputs.take("image", "source");
  const mask = inputs.maybe("mask", "mask")?.frames[0];
  const placed = under.map((destination, index) => {
    const source = over[Math.min(index, over.length - 1)];
    return source
      ? laid(withoutAlpha(destination), withoutAlpha(source), mask, inputs)
      : destination;
  });
  return { outputs: [images(await Promise.all(placed))] };
}

async function laid(
  destination: Raster,
  source: Raster,
  mask: MaskRaster | undefined,
  inputs: Inputs,
): Promise<Raster> {
  const { width, height } = destination;
  const [x, y] = [inputs.number("x"), inputs.number("y")];
  const size = inputs.flag("resize_source") ? destination : source;
  const piece = await scaled(source, size.width, size.height, "bilinear");
  const share = await scaledMask(mask ?? filledMask(1, 1, 255), piece.width, piece.height);
  const over = filled(width, height, 0);
  const shown = filledMask(width, height, 0);
  for (let row = 0; row < Math.min(piece.height, height - y); row += 1) {
    const columns = Math.min(piece.width, width - x);
    const from = row * piece.width;
    const to = (row + y) * width + x;
    piece.data.copy(over.data, to * 3, from * 3, (from + columns) * 3);
    share.data.copy(shown.data, to, from, from + columns);
  }
  return mixed(destination, over, 1, shown);
}

/** Tiles of 512 pixels that overlap by 32, as ComfyUI feeds an upscaler. */
const tile = { size: 512, overlap: 32 };

function tiles({ width, height }: Raster): number {
  const along = (length: number) =>
    length <= tile.size ? 1 : Math.ceil((length - tile.overlap) / (tile.size - tile.overlap));
  return along(width) * along(height);
}

async function upscaleWithModel(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const model = inputs.take("handle", "upscale_model");
  const factor = Number(/(\d)x|x(\d)/i.exec(model.file)?.slice(1).find(Boolean) ?? 4);
  const { frames } = inputs.take("image", "image");
  const steps = frames.reduce((sum, frame) => sum + tiles(frame), 0);
  for (let step = 1; step <= steps; step += 1) {
    await context.step();
    await context.tick(step, steps);
  }
  const upscaled = await Promise.all(frames.map((frame) => scaledBy(frame, factor, "lanczos")));
  return { outputs: [images(upscaled)] };
}

export const imageNodes: Record<string, NodeBehaviour> = {
  ImageScale: eachFrame(imageScale),
  ImageScaleBy: eachFrame((raster, inputs) =>
    scaledBy(raster, inputs.number("scale_by", 1), inputs.text("upscale_method")),
  ),
  ImageScaleToTotalPixels: eachFrame(toMegapixels),
  ImageScaleToMaxDimension: eachFrame(toMaxDimension),
  FluxKontextImageScale: eachFrame(toKontextSize),
  ImageFromBatch: { run: imageFromBatch },
  ImageInvert: eachFrame(inverted),
  ImageBlur: eachFrame((raster, inputs) =>
    rasterOf(sharpOf(raster).blur(Math.max(inputs.number("sigma", 1), 0.3))),
  ),
  ImageCrop: eachFrame(cropped),
  Canny: eachFrame(canny),
  ImagePadForOutpaint: { run: padForOutpaint },
  ImageCompositeMasked: { run: composite },
  ImageUpscaleWithModel: { run: upscaleWithModel, steps: true },
  ImageBatch: {
    run: async (inputs) => {
      const [first, ...others] = ["image1", "image2"].flatMap(
        (name) => inputs.take("image", name).frames,
      );
      if (!first) return { outputs: [images([])] };
      const fitted = others.map((frame) =>
        scaled(frame, first.width, first.height, "bilinear", "center"),
      );
      return { outputs: [images([first, ...(await Promise.all(fitted))])] };
    },
  },
  EmptyImage: {
    run: (inputs) => {
      const [width, height] = [inputs.number("width", 512), inputs.number("height", 512)];
      const frame = filled(width, height, inputs.number("color"));
      return {
        outputs: [images(Array.from({ length: inputs.number("batch_size", 1) }, () => frame))],
      };
    },
  },
  GetImageSize: {
    run: (inputs, context) => {
      const { frames } = inputs.take("image", "image");
      const [width = 0, height = 0] = [frames[0]?.width, frames[0]?.height];
      context.say(`width: ${width}, height: ${height}\n batch size: ${frames.length}`);
      return { outputs: [width, height, frames.length] };
    },
  },
};
