import type { Sharp } from "sharp";
import { type Color, readColor } from "./color.ts";
import { decoded, openCanvas, openImage } from "./decoder.ts";
import { hasTransparentPixel } from "./preview.ts";
import {
  eachRow,
  greyRaster,
  openRaster,
  type Raster,
  rgbaRaster,
  rgbRaster,
  type Size,
  uprightSize,
} from "./raster.ts";

/**
 * The original with the result painted in where the mask is white. Where the mask is black the
 * original's pixels stay exactly as they are, transparency included. Result and mask are stretched
 * to the original's size.
 */
export async function keepUnmasked(
  original: Buffer,
  result: Raster,
  mask: Buffer,
): Promise<Raster> {
  return await decoded("The picture", async () => {
    const kept = await rgbaRaster(await openImage({ bytes: original, autoOrient: true }));
    const painted = await rgbaRaster(await stretched(await openRaster(result), result, kept));
    const weights = await greyRaster((await fitted(mask, kept)).flatten({ background: "#000000" }));
    await blend(kept, painted, weights);
    return (await hasTransparentPixel(kept)) ? kept : await opaque(kept);
  });
}

async function opaque(raster: Raster): Promise<Raster> {
  return await rgbRaster((await openRaster(raster)).removeAlpha());
}

async function fitted(bytes: Buffer, size: Size): Promise<Sharp> {
  const picture = await openImage({ bytes, autoOrient: true });
  return stretched(picture, await uprightSize(bytes), size, "linear");
}

function stretched(
  picture: Sharp,
  from: Size,
  { width, height }: Size,
  kernel: "lanczos3" | "linear" = "lanczos3",
): Sharp {
  if (from.width === width && from.height === height) return picture;
  return picture.resize(width, height, { fit: "fill", kernel });
}

async function blend(kept: Raster, painted: Raster, { data: weights }: Raster): Promise<void> {
  await eachRow(kept, (row) => {
    for (let pixel = row * kept.width; pixel < (row + 1) * kept.width; pixel++) {
      const weight = weights[pixel] ?? 0;
      if (weight > 0) blendPixel(kept.data, painted.data, 4 * pixel, weight / 255);
    }
  });
}

/** A color counts as much as its pixel is opaque, or hidden colors would show at soft edges. */
function blendPixel(kept: Buffer, painted: Buffer, at: number, weight: number): void {
  const keptAlpha = (kept[at + 3] ?? 255) * (1 - weight);
  const paintedAlpha = (painted[at + 3] ?? 255) * weight;
  const alpha = keptAlpha + paintedAlpha;
  kept[at + 3] = Math.round(alpha);
  if (alpha === 0) return;
  const share = paintedAlpha / alpha;
  for (let channel = at; channel < at + 3; channel++) {
    const from = kept[channel] ?? 0;
    kept[channel] = Math.round(from + ((painted[channel] ?? 0) - from) * share);
  }
}

/** A colour as CSS writes it, or a picture. */
export type Background = { color: string } | { image: Buffer };

/** The cut-out on a colour, or on a picture that is cropped to cover its size. */
export async function putBackground(cutout: Raster, background: Background): Promise<Raster> {
  if ("image" in background) return await onPicture(cutout, background.image);
  const color = await readColor("background", background.color);
  if (color.alpha === 0) return cutout;
  if (color.alpha < 1) return await onHalfClear(cutout, color);
  return await rgbRaster((await openRaster(cutout)).flatten({ background: color }));
}

async function onHalfClear({ data, ...raw }: Raster, background: Color): Promise<Raster> {
  const behind = await openCanvas(raw.width, raw.height, background);
  return await rgbaRaster(behind.composite([{ input: data, raw }]));
}

async function onPicture({ data, ...raw }: Raster, image: Buffer): Promise<Raster> {
  return await decoded("background: the picture", async () => {
    const behind = await openImage({ bytes: image, autoOrient: true });
    behind.resize(raw.width, raw.height, { fit: "cover", position: "centre", kernel: "lanczos3" });
    const picture = behind.toColourspace("srgb").composite([{ input: data, raw }]);
    const { hasAlpha } = await behind.metadata();
    return await (hasAlpha ? rgbaRaster(picture) : rgbRaster(picture));
  });
}
