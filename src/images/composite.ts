import { parseColor } from "./color.ts";
import { toPng } from "./convert.ts";
import { decoded, openImage } from "./decoder.ts";
import {
  eachRow,
  greyRaster,
  openRaster,
  type Raster,
  rgbaRaster,
  type Size,
  uprightSize,
} from "./raster.ts";

/**
 * The original with the result painted in where the mask is white, as a PNG. Where the mask is black
 * the original's pixels stay exactly as they are, transparency included. Result and mask are
 * stretched to the original's size.
 */
export async function keepUnmasked(
  original: Buffer,
  result: Buffer,
  mask: Buffer,
): Promise<Buffer> {
  return await decoded("The picture", async () => {
    const kept = await rgbaRaster(await openImage({ bytes: original, autoOrient: true }));
    const painted = await rgbaRaster(await fitted(result, kept, "lanczos3"));
    const onBlack = (await fitted(mask, kept, "linear")).flatten({ background: "#000000" });
    const weights = await greyRaster(onBlack);
    await blend(kept, painted, weights);
    const picture = await openRaster(kept);
    return await (isOpaque(kept) ? picture.removeAlpha() : picture).png().toBuffer();
  });
}

async function fitted(bytes: Buffer, { width, height }: Size, kernel: "lanczos3" | "linear") {
  const size = await uprightSize(bytes);
  const picture = await openImage({ bytes, autoOrient: true });
  if (size.width === width && size.height === height) return picture;
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

function isOpaque({ data }: Raster): boolean {
  for (let alpha = 3; alpha < data.length; alpha += 4) {
    if (data[alpha] !== 255) return false;
  }
  return true;
}

/** A color as `parseColor` reads it, or a picture. */
export type Background = { color: string } | { image: Buffer };

/** The cut-out as a PNG on a color, or on a picture that is cropped to cover its size. */
export async function putBackground(cutout: Buffer, background: Background): Promise<Buffer> {
  if ("image" in background) return await onPicture(cutout, background.image);
  const { alpha, ...color } = parseColor(background.color);
  if (alpha === 0) return await toPng(cutout);
  return await decoded("The picture", async () => {
    const picture = await openImage({ bytes: cutout, autoOrient: true });
    return await picture.flatten({ background: color }).toColourspace("srgb").png().toBuffer();
  });
}

async function onPicture(cutout: Buffer, image: Buffer): Promise<Buffer> {
  const { data, ...raw } = await decoded("The picture", async () =>
    rgbaRaster(await openImage({ bytes: cutout, autoOrient: true })),
  );
  return await decoded("background: the picture", async () => {
    const behind = await openImage({ bytes: image, autoOrient: true });
    behind.resize(raw.width, raw.height, { fit: "cover", position: "centre", kernel: "lanczos3" });
    return await behind
      .toColourspace("srgb")
      .composite([{ input: data, raw }])
      .png()
      .toBuffer();
  });
}
