import { decoded, openImage } from "./decoder.ts";
import {
  colorRaster,
  eachRow,
  greyRaster,
  openRaster,
  type Raster,
  rasterPng,
  rgbRaster,
} from "./raster.ts";

/** Below it a pixel shows so little of its colour that the colour may be anything. */
const hardlyVisible = 16;
/** Light pictures lie on grey and all others on white, so that what is visible stands out. */
const lightFrom = 170;

/**
 * What ComfyUI gets of a picture with transparency: an opaque PNG in which whatever is hidden has a
 * neutral colour, for models paint on with what they see. An opaque picture comes back as PNG too.
 */
export async function flattenForComfy(
  image: Buffer,
): Promise<{ image: Buffer; hadAlpha: boolean }> {
  return await decoded("The picture", async () => {
    const raster = await colorRaster(image);
    if (raster.channels !== 4) return { image: await rasterPng(raster), hadAlpha: false };
    const background = (await meanBrightness(raster)) > lightFrom ? 0x80 : 0xff;
    let hadAlpha = false;
    await eachPixel(raster, (at) => {
      const alpha = raster.data[at + 3] ?? 255;
      if (alpha < 255) hadAlpha = true;
      // Soft edges keep their own colour, or the background would shine through them later.
      if (alpha < hardlyVisible) raster.data.fill(background, at, at + 3);
    });
    const opaque = await rgbRaster((await openRaster(raster)).removeAlpha());
    return { image: await rasterPng(opaque), hadAlpha };
  });
}

/**
 * The result with the transparency of the original, scaled alike. Where the result is transparent
 * too, both count.
 */
export async function restoreAlpha(result: Raster, original: Buffer): Promise<Raster> {
  return await decoded("The picture", async () => {
    const { width, height } = result;
    const picture = (await openImage({ bytes: original, autoOrient: true })).ensureAlpha();
    const channel = await greyRaster(picture.extractChannel("alpha"));
    const fits = channel.width === width && channel.height === height;
    const alpha = fits
      ? channel
      : await greyRaster(
          (await openRaster(channel)).resize(width, height, { fit: "fill", kernel: "cubic" }),
        );
    const data = Buffer.alloc(width * height * 4);
    await eachPixel({ ...result, channels: 4 }, (at) => {
      const from = (at / 4) * result.channels;
      const own = result.channels === 4 ? (result.data[from + 3] ?? 255) : 255;
      const both = Math.round((own * (alpha.data[at / 4] ?? 255)) / 255);
      if (both === 0) return;
      result.data.copy(data, at, from, from + 3);
      data[at + 3] = both;
    });
    return { data, width, height, channels: 4 };
  });
}

/** Takes the colour from all that is fully transparent; says whether there was any, in place. */
export async function clearHidden(raster: Raster): Promise<boolean> {
  if (raster.channels !== 4) return false;
  const { data } = raster;
  let cleared = false;
  await eachPixel(raster, (at) => {
    if (data[at + 3] !== 0 || ((data[at] ?? 0) | (data[at + 1] ?? 0) | (data[at + 2] ?? 0)) === 0) {
      return;
    }
    data.fill(0, at, at + 3);
    cleared = true;
  });
  return cleared;
}

async function meanBrightness(raster: Raster): Promise<number> {
  const { data } = raster;
  let [sum, weight] = [0, 0];
  await eachPixel(raster, (at) => {
    const alpha = data[at + 3] ?? 255;
    weight += alpha;
    sum +=
      alpha * (0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0));
  });
  return weight === 0 ? 0 : sum / weight;
}

async function eachPixel(raster: Raster, work: (at: number) => void): Promise<void> {
  const length = raster.width * raster.channels;
  await eachRow(raster, (row) => {
    for (let at = row * length; at < (row + 1) * length; at += raster.channels) work(at);
  });
}
