import { type MaskRaster, maskOf, type Raster, sharpOfMask, withoutAlpha } from "../raster.ts";

/** Colours nearer than this to the border's are background, in steps of 0..441. */
const tolerance = 48;
/** A mask that keeps less or more than this found no object. */
const plausible = { least: 0.02, most: 0.9 };

/**
 * A soft mask, 255 where the object is: what differs from the mean colour of the border, or an
 * ellipse in the middle when that finds nothing.
 */
export async function foreground(picture: Raster): Promise<MaskRaster> {
  const raster = withoutAlpha(picture);
  const { width, height } = raster;
  const byColor = differing(raster, borderColor(raster));
  const share = byColor.reduce((sum, value) => sum + value, 0) / (255 * byColor.length);
  const found = share >= plausible.least && share <= plausible.most;
  const data = found ? byColor : ellipse(width, height);
  const mask = { width, height, data };
  const softness = Math.max(Math.min(width, height) / 300, 0.5);
  return maskOf(sharpOfMask(mask).blur(softness));
}

type Rgb = [red: number, green: number, blue: number];

function pixel({ data }: Raster, at: number): Rgb {
  return [data[at * 3] ?? 0, data[at * 3 + 1] ?? 0, data[at * 3 + 2] ?? 0];
}

function borderColor(raster: Raster): Rgb {
  const { width, height } = raster;
  const sum: Rgb = [0, 0, 0];
  let count = 0;
  for (let at = 0; at < width * height; at += 1) {
    const x = at % width;
    const inside = x > 0 && x < width - 1 && at >= width && at < width * (height - 1);
    if (inside) continue;
    const color = pixel(raster, at);
    for (const part of [0, 1, 2] as const) sum[part] += color[part];
    count += 1;
  }
  return [sum[0] / count, sum[1] / count, sum[2] / count];
}

function differing(raster: Raster, [red, green, blue]: Rgb): Buffer {
  const data = Buffer.alloc(raster.width * raster.height);
  for (let at = 0; at < data.length; at += 1) {
    const [r, g, b] = pixel(raster, at);
    const distance = Math.hypot(r - red, g - green, b - blue);
    data[at] = Math.max(0, Math.min(255, ((distance - tolerance / 2) / tolerance) * 255));
  }
  return data;
}

function ellipse(width: number, height: number): Buffer {
  const data = Buffer.alloc(width * height);
  for (let at = 0; at < data.length; at += 1) {
    const x = ((at % width) + 0.5) / width - 0.5;
    const y = (Math.trunc(at / width) + 0.5) / height - 0.5;
    const distance = Math.hypot(x / 0.36, y / 0.44);
    data[at] = Math.max(0, Math.min(255, (1.06 - distance) * 255 * 8));
  }
  return data;
}
