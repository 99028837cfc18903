import { setImmediate } from "node:timers/promises";
import type { ResizeOptions, Sharp } from "sharp";
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

async function raster(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** Upright and in sRGB, with alpha only where the picture has it. */
export async function colorRaster(bytes: Buffer): Promise<Raster> {
  const picture = await openImage({ bytes, autoOrient: true });
  const { hasAlpha } = await picture.metadata();
  return await (hasAlpha ? rgbaRaster(picture) : rgbRaster(picture));
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

const pixelsAtOnce = 1_000_000;

/** Runs `work` on every row, and lets other requests through in between. */
export async function eachRow({ width, height }: Size, work: (row: number) => void): Promise<void> {
  const rowsAtOnce = Math.max(1, Math.floor(pixelsAtOnce / width));
  for (let row = 0; row < height; row++) {
    if (row % rowsAtOnce === 0) await setImmediate();
    work(row);
  }
}
