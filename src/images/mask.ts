import type { AppError } from "../errors.ts";
import { refusal, refuseUnlessWhole } from "../errors.ts";
import { decoded, openImage } from "./decoder.ts";
import { shaped } from "./falloff.ts";
import {
  eachRow,
  greyRaster,
  openRaster,
  type Raster,
  rasterPng,
  refuseTooLargeToEdit,
  rgbaRaster,
  type Size,
  uprightSize,
} from "./raster.ts";

export interface MaskOptions {
  /** Pixels the part to repaint grows, or shrinks below zero: -256 to 256. @default 0 */
  grow?: number | undefined;
  /** Pixels over which it fades out around its edge, 0 to 256. @default 0 */
  feather?: number | undefined;
}

export interface Mask {
  /** An 8-bit grey PNG of the image's upright size; white is repainted. */
  mask: Buffer;
  /** The share of the image that is repainted; grey counts in part. */
  coverage: number;
}

/** Masks are drawn on resized copies; a difference this small is rounding. */
const shapeTolerance = 0.02;

/**
 * The part of the image to repaint. A mask picture says it by its brightness: white repaints, black
 * keeps. Where it has transparent pixels these keep too, with two exceptions. In one colour on
 * transparency, the painted part is repainted, unless that colour is black: then the rest is. And in
 * a coloured picture with a part erased, the erased part is repainted. Without a mask picture, the
 * transparent part of the image is.
 */
export async function maskFor(
  image: Buffer,
  mask: Buffer | undefined,
  { grow = 0, feather = 0 }: MaskOptions = {},
): Promise<Mask> {
  refuseUnlessWhole("grow", grow, -256, 256);
  refuseUnlessWhole("feather", feather, 0, 256);
  refuseTooLargeToEdit("image", await decoded("image: the picture", () => uprightSize(image)));
  const drawn = mask === undefined ? await erasedPart(image) : await drawnPart(image, mask);
  const part = await shaped(drawn, grow, feather);
  const coverage = await whiteness(part);
  if (coverage > 0) return { mask: await rasterPng(part), coverage };
  if ((await whiteness(drawn)) > 0) {
    throw refusal(`grow: ${grow} leaves nothing of the mask. Use a number nearer to 0.`);
  }
  throw refusal(
    "mask: there is nothing to repaint, for no part of it is white. Paint the part to repaint white, the rest black.",
  );
}

async function whiteness(part: Raster): Promise<number> {
  const { data, width } = part;
  let sum = 0;
  await eachRow(part, (row) => {
    for (let at = row * width; at < (row + 1) * width; at++) sum += data[at] ?? 0;
  });
  return sum / 255 / data.length;
}

async function erasedPart(image: Buffer): Promise<Raster> {
  const pixels = await decoded("image: the picture", async () =>
    rgbaRaster(await openImage({ bytes: image, autoOrient: true })),
  );
  const erased = await alphaOf(pixels, (alpha) => 255 - alpha);
  if ((await whiteness(erased)) > 0) return erased;
  throw refusal(
    "mask: it is needed, for the image has no transparent part. Send a picture of the same size, white where to repaint and black elsewhere, or an image with the part to repaint erased.",
  );
}

async function drawnPart(image: Buffer, mask: Buffer): Promise<Raster> {
  const size = await decoded("image: the picture", () => uprightSize(image));
  return await decoded("mask: the picture", async () => {
    const drawn = await uprightSize(mask);
    refuseTooLargeToEdit("mask", drawn);
    const stretch = drawn.width / drawn.height / (size.width / size.height);
    if (Math.abs(stretch - 1) >= shapeTolerance) throw otherShape(drawn, size);
    const part = await whitePart(mask);
    if (part.width === size.width && part.height === size.height) return part;
    const { width, height } = size;
    const picture = await openRaster(part);
    return await greyRaster(picture.resize(width, height, { fit: "fill", kernel: "linear" }));
  });
}

function otherShape(drawn: Size, size: Size): AppError {
  return refusal(
    `mask: it is ${drawn.width}x${drawn.height} and the image ${size.width}x${size.height}, another shape. Send a mask of ${size.width}x${size.height}.`,
  );
}

async function whitePart(mask: Buffer): Promise<Raster> {
  const picture = await openImage({ bytes: mask, autoOrient: true });
  const { hasAlpha } = await picture.metadata();
  if (hasAlpha) {
    const pixels = await rgbaRaster(picture.clone());
    const meaning = await alphaMeaning(pixels);
    if (meaning === "painted repaints") return await alphaOf(pixels, (alpha) => alpha);
    if (meaning === "erased repaints") return await alphaOf(pixels, (alpha) => 255 - alpha);
  }
  return await greyRaster(picture.flatten({ background: "#000000" }));
}

async function alphaOf(pixels: Raster, value: (alpha: number) => number): Promise<Raster> {
  const { data, width, height } = pixels;
  const values = Buffer.alloc(width * height);
  await eachRow(pixels, (row) => {
    for (let at = row * width; at < (row + 1) * width; at++) {
      values[at] = value(data[4 * at + 3] ?? 255);
    }
  });
  return { data: values, width, height, channels: 1 };
}

/** Channels that differ less are one colour, after JPEG or the edge of a brush. */
const sameColour = 24;
const almostBlack = 32;
/** Between the channels of one pixel; a mask in shades of grey stays below. */
const colourful = 64;

/** Undefined when the brightness decides. */
async function alphaMeaning(
  pixels: Raster,
): Promise<"painted repaints" | "erased repaints" | undefined> {
  const { transparent, spread, brightest, chroma } = await survey(pixels);
  if (!transparent) return undefined;
  if (spread > sameColour) return chroma > colourful ? "erased repaints" : undefined;
  return brightest >= 0 && brightest < almostBlack ? "erased repaints" : "painted repaints";
}

/** What the colours of the visible pixels have in common. */
async function survey(pixels: Raster) {
  const { data, width } = pixels;
  const low = [255, 255, 255];
  const high = [-1, -1, -1];
  let transparent = false;
  let chroma = 0;
  const look = (at: number) => {
    const alpha = data[at + 3] ?? 255;
    if (alpha < 255) transparent = true;
    if (alpha < 128) return;
    const [r, g, b] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
    widen(low, high, r, g, b);
    chroma = Math.max(chroma, Math.max(r, g, b) - Math.min(r, g, b));
  };
  await eachRow(pixels, (row) => {
    for (let at = row * width; at < (row + 1) * width; at++) look(4 * at);
  });
  const spread = Math.max(...high.map((value, channel) => value - (low[channel] ?? 0)));
  return { transparent, spread, brightest: Math.max(...high), chroma };
}

function widen(low: number[], high: number[], ...colour: number[]): void {
  for (let channel = 0; channel < 3; channel++) {
    const value = colour[channel] ?? 0;
    if (value < (low[channel] ?? 0)) low[channel] = value;
    if (value > (high[channel] ?? 0)) high[channel] = value;
  }
}
