import { setImmediate } from "node:timers/promises";
import type { ResizeOptions, Sharp } from "sharp";
import { refusal } from "../errors.ts";
import { openImage } from "./decoder.ts";

export interface Size {
  width: number;
  height: number;
}

/** After EXIF orientation. */
export async function uprightSize(bytes: Buffer): Promise<Size> {
  const { autoOrient } = await (await openImage({ bytes })).metadata();
  return { width: autoOrient.width, height: autoOrient.height };
}

/** Decoded pixels, 8 bits per channel, row by row: grey, sRGB, or sRGB with alpha. */
export interface Raster extends Size {
  data: Buffer;
  channels: 1 | 2 | 3 | 4;
}

export async function greyRaster(picture: Sharp): Promise<Raster> {
  return await raster(picture.toColourspace("b-w"));
}

export async function rgbRaster(picture: Sharp): Promise<Raster> {
  return await raster(picture.toColourspace("srgb").removeAlpha());
}

export async function rgbaRaster(picture: Sharp): Promise<Raster> {
  return await raster(picture.toColourspace("srgb").ensureAlpha());
}

/** With alpha only where the picture has it. */
export async function srgbRaster(picture: Sharp): Promise<Raster> {
  return await raster(picture.toColourspace("srgb"));
}

async function raster(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** Upright and in sRGB, with alpha only where the picture has it. */
export async function colorRaster(bytes: Buffer): Promise<Raster> {
  return await srgbRaster(await openImage({ bytes, autoOrient: true }));
}

/** The same pixels at another size. */
export async function resized(raster: Raster, options: ResizeOptions): Promise<Raster> {
  const picture = (await openRaster(raster)).resize({ kernel: "lanczos3", ...options });
  return await (raster.channels === 4 ? rgbaRaster(picture) : rgbRaster(picture));
}

export async function openRaster({ data, ...raw }: Raster): Promise<Sharp> {
  return await openImage({ bytes: data, raw });
}

export async function rasterPng(pixels: Raster): Promise<Buffer> {
  const picture = await openRaster(pixels);
  return await picture
    .toColourspace(pixels.channels === 1 ? "b-w" : "srgb")
    .png()
    .toBuffer();
}

/** A masked edit walks all pixels several times, about a second for so many. */
export const mostEditPixels = 40_000_000;

/** Refuses a picture that is too large for a masked edit, before anything is decoded. */
export function refuseTooLargeToEdit(parameter: string, { width, height }: Size): void {
  if (width * height <= mostEditPixels) return;
  const megapixels = Number(((width * height) / 1_000_000).toFixed(1));
  throw refusal(
    `${parameter}: ${width}x${height} are ${megapixels} megapixels, and at most ${mostEditPixels / 1_000_000} are edited with a mask. Send a smaller version.`,
  );
}

const pixelsAtOnce = 250_000;

/** Runs `work` on every row, and lets other requests through in between. */
export async function eachRow({ width, height }: Size, work: (row: number) => void): Promise<void> {
  const rowsAtOnce = Math.max(1, Math.floor(pixelsAtOnce / width));
  for (let row = 0; row < height; row++) {
    if (row % rowsAtOnce === 0) await setImmediate();
    work(row);
  }
}
