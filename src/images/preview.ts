import type { Sharp } from "sharp";
import { decoded, openImage } from "./decoder.ts";
import { JpegSize } from "./jpeg-size.ts";
import { eachRow, openRaster, type Raster, rgbaRaster, rgbRaster, srgbRaster } from "./raster.ts";

export interface PreviewOptions {
  /** Longest side in pixels; a smaller picture stays as it is. @default 1024 */
  maxSide?: number | undefined;
  /** Length of the base64 text, not of the bytes. @default 100_000 */
  maxBase64?: number | undefined;
  /** Left out: PNG for a picture with transparent pixels, else JPEG. */
  format?: "jpeg" | "png" | undefined;
}

export interface Preview {
  data: Buffer;
  mimeType: "image/jpeg" | "image/png";
  width: number;
  height: number;
}

/** The range in which a preview loses nothing that counts; below, it is made smaller instead. */
const bestQuality = 85;
const worstQuality = 55;
/** What the prediction may be off by. */
const margin = 0.9;
const smallestPng = 256;
const smallestSide = 64;
/** Bytes of a PNG with a palette for each byte of a JPEG at the best quality. */
const paletteFactor = 2.6;

/**
 * A small upright picture without metadata whose base64 fits the budget. Size and quality are
 * predicted from its content, so that one encoding mostly suffices. A PNG that fits only below
 * 256 px becomes a JPEG on white.
 */
export async function preview(bytes: Buffer, options: PreviewOptions = {}): Promise<Preview> {
  const { maxSide = 1024 } = options;
  return await decoded("The picture", async () => {
    const picture = await openImage({ bytes, autoOrient: true });
    picture.resize(maxSide, maxSide, { fit: "inside", withoutEnlargement: true });
    return await previewOf(await srgbRaster(picture), options);
  });
}

/** The same of a picture that is decoded already. */
export async function previewOf(raster: Raster, options: PreviewOptions = {}): Promise<Preview> {
  const { maxSide = 1024, maxBase64 = 100_000, format } = options;
  const budget = Math.floor(maxBase64 / 4) * 3;
  const shown = await within(raster, maxSide);
  const asPng = format === undefined ? await hasTransparentPixel(shown) : format === "png";
  const png = asPng ? await pngWithin(shown, budget) : undefined;
  return png ?? (await jpegWithin(await onWhite(shown), budget));
}

async function within(raster: Raster, side: number): Promise<Raster> {
  const longest = Math.max(raster.width, raster.height);
  if (longest <= side) return raster;
  const picture = (await openRaster(raster)).resize(side, side, { fit: "inside" });
  return await (raster.channels === 4 ? rgbaRaster(picture) : rgbRaster(picture));
}

async function onWhite(raster: Raster): Promise<Raster> {
  if (raster.channels === 3) return raster;
  return await rgbRaster((await openRaster(raster)).flatten({ background: "#ffffff" }));
}

export async function hasTransparentPixel(raster: Raster): Promise<boolean> {
  const { data, width, channels } = raster;
  if (channels !== 4) return false;
  let found = false;
  await eachRow(raster, (row) => {
    if (found) return;
    const end = (row + 1) * width * 4;
    for (let alpha = row * width * 4 + 3; alpha < end; alpha += 4) {
      if (data[alpha] !== 255) found = true;
    }
  });
  return found;
}

async function jpegWithin(raster: Raster, budget: number): Promise<Preview> {
  const size = new JpegSize(raster);
  const worst = size.at(worstQuality);
  const limit = budget * margin;
  let side = worst > limit ? smaller(longestOf(raster), worst, limit) : longestOf(raster);
  let quality = qualityFor(size, limit);
  let made = await jpegAt(raster, side, quality);
  while (made.data.length > budget && side > smallestSide) {
    if (quality > worstQuality) quality = Math.max(worstQuality, quality - 10);
    else side = smaller(side, made.data.length, limit);
    made = await jpegAt(raster, side, quality);
  }
  return made.data.length <= budget ? made : await jpegAt(raster, side, 30);
}

async function jpegAt(raster: Raster, side: number, quality: number): Promise<Preview> {
  const picture = await openRaster(raster);
  if (side < longestOf(raster)) picture.resize(side, side, { fit: "inside" });
  const { data, info } = await picture.jpeg({ quality }).toBuffer({ resolveWithObject: true });
  return { data, mimeType: "image/jpeg", width: info.width, height: info.height };
}

/** Between two qualities the logarithm of the size is nearly a line. */
function qualityFor(size: JpegSize, budget: number): number {
  const best = size.at(bestQuality);
  if (best <= budget) return bestQuality;
  const worst = size.at(worstQuality);
  const share = Math.log(budget / worst) / Math.log(best / worst);
  // The curve lies below the line, so the line is on the safe side.
  return Math.floor(worstQuality + Math.max(0, Math.min(1, share)) * (bestQuality - worstQuality));
}

/** Undefined when not even a small one fits. */
async function pngWithin(raster: Raster, budget: number): Promise<Preview | undefined> {
  let shown = raster;
  let expected = new JpegSize(shown).at(bestQuality) * paletteFactor;
  let full = expected * 2 < budget;
  for (;;) {
    if (expected > budget && longestOf(shown) > smallestPng) {
      const side = Math.max(smallestPng, smaller(longestOf(shown), expected, budget * margin));
      shown = await within(raster, side);
    }
    const made = await encoded(shown, full ? wholePng : palettePng, "image/png");
    if (made.data.length <= budget) return made;
    if (!full && longestOf(shown) <= smallestPng) return undefined;
    expected = full ? 0 : made.data.length;
    full = false;
  }
}

const wholePng = (picture: Sharp) => picture.png();
/** A higher effort takes seconds per picture and saves a tenth. */
const palettePng = (picture: Sharp) => picture.png({ palette: true, effort: 1 });

/** The side at which the bytes fit. Shrunk pictures have more detail per pixel. */
function smaller(side: number, bytes: number, budget: number): number {
  const share = Math.min(0.9, (budget / bytes) ** 0.65);
  return Math.max(smallestSide, Math.floor(side * share));
}

function longestOf({ width, height }: Raster): number {
  return Math.max(width, height);
}

async function encoded(
  raster: Raster,
  encode: (picture: Sharp) => Sharp,
  mimeType: Preview["mimeType"],
): Promise<Preview> {
  const data = await encode(await openRaster(raster)).toBuffer();
  return { data, mimeType, width: raster.width, height: raster.height };
}
