import { refusal, refuseUnlessWhole } from "../errors.ts";
import { decoded, openImage } from "./decoder.ts";
import { shaped } from "./falloff.ts";
import {
  eachRow,
  openRaster,
  type Raster,
  rasterPng,
  refuseTooLargeToEdit,
  rgbRaster,
  type Size,
  uprightSize,
} from "./raster.ts";

/** Pixels to add on each side. */
export interface Padding {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface PadOptions extends Padding {
  /** How far the mask fades into the old picture, 0 to 256. @default 24 */
  feather?: number | undefined;
}

export interface Padded {
  /** An opaque PNG. */
  image: Buffer;
  /** An 8-bit grey PNG of the same size; white is new. */
  mask: Buffer;
  width: number;
  height: number;
}

const mostPadding = 4096;
const longestSide = 8192;

/**
 * The picture with room around it to paint on. The new area continues the colours of the edge,
 * blurred, from which models start better than from grey. Transparent parts lie on white.
 */
export async function padForOutpaint(
  image: Buffer,
  { feather = 24, ...padding }: PadOptions,
): Promise<Padded> {
  refuseUnlessWhole("feather", feather, 0, 256);
  refusePadding(padding);
  return await decoded("The picture", async () => {
    const size = await uprightSize(image);
    const width = size.width + padding.left + padding.right;
    const height = size.height + padding.top + padding.bottom;
    refuseTooLong("left + right", "wide", width);
    refuseTooLong("top + bottom", "high", height);
    refuseTooLargeToEdit("left, top, right, bottom", { width, height });

    const upright = await openImage({ bytes: image, autoOrient: true });
    const old = await rgbRaster(upright.flatten({ background: "#ffffff" }));
    const padded = await continued(old, padding);
    await paste(old, padded, padding);
    const mask = await shaped(newArea(old, padding, { width, height }), 0, feather);
    return { image: await rasterPng(padded), mask: await rasterPng(mask), width, height };
  });
}

function refusePadding(padding: Padding): void {
  const sides = Object.entries(padding);
  for (const [side, pixels] of sides) refuseUnlessWhole(side, pixels, 0, mostPadding);
  if (sides.some(([, pixels]) => pixels > 0)) return;
  throw refusal(
    "left, top, right, bottom: all are 0, so there is nothing to add. Set one of them.",
  );
}

function refuseTooLong(parameters: string, direction: string, side: number): void {
  if (side <= longestSide) return;
  throw refusal(
    `${parameters}: the picture would be ${side} pixels ${direction}, at most ${longestSide} are made. Add less, or send a smaller picture.`,
  );
}

/** The edge of the picture drawn out and blurred, the more the further it goes. */
async function continued(old: Raster, padding: Padding): Promise<Raster> {
  const extended = await rgbRaster(
    (await openRaster(old)).extend({ ...padding, extendWith: "copy" }),
  );
  const sigma = Math.min(32, Math.max(2, Math.max(...Object.values(padding)) / 4));
  // A wide blur of a small copy costs a hundredth and looks the same.
  const shrink = Math.max(1, Math.floor(sigma / 4));
  const { width, height } = extended;
  const small = await rgbRaster(
    (await openRaster(extended))
      .resize(Math.ceil(width / shrink), Math.ceil(height / shrink), { fit: "fill" })
      .blur(sigma / shrink),
  );
  const large = (await openRaster(small)).resize(width, height, { fit: "fill", kernel: "cubic" });
  return await rgbRaster(large);
}

async function paste(old: Raster, onto: Raster, { left, top }: Padding): Promise<void> {
  const { width, channels } = old;
  await eachRow(old, (row) => {
    const at = ((row + top) * onto.width + left) * channels;
    old.data.copy(onto.data, at, row * width * channels, (row + 1) * width * channels);
  });
}

function newArea(old: Raster, { left, top }: Padding, size: Size): Raster {
  const data = Buffer.alloc(size.width * size.height, 255);
  for (let row = top; row < top + old.height; row++) {
    data.fill(0, row * size.width + left, row * size.width + left + old.width);
  }
  return { data, ...size, channels: 1 };
}

/** What brings a picture to a ratio (width / height) by adding on both sides, never by cropping. */
export function paddingForRatio({ width, height }: Size, ratio: number): Padding {
  const wider = Math.max(0, Math.round(height * ratio) - width);
  const higher = wider > 0 ? 0 : Math.max(0, Math.round(width / ratio) - height);
  const [left, top] = [Math.floor(wider / 2), Math.floor(higher / 2)];
  return { left, top, right: wider - left, bottom: higher - top };
}
