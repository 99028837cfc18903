import type { Sharp } from "sharp";
import { refusal } from "../errors.ts";
import { decoded, openImage } from "./decoder.ts";
import { sniff } from "./sniff.ts";

export type DeliveryFormat = "png" | "jpeg" | "webp";

export interface DeliverOptions {
  /** Left out: the format the picture has, or PNG where that cannot be delivered. */
  format?: DeliveryFormat | undefined;
  /** Of the two sides, one left out follows from the aspect ratio. */
  width?: number | undefined;
  height?: number | undefined;
  /** A picture of another shape gets transparent bars instead of being cut. @default false */
  bars?: boolean | undefined;
  /** 1-100, for JPEG and WebP. */
  quality?: number | undefined;
}

const what = "The picture";

/** What a format's header can express. */
const longestSide: Record<DeliveryFormat, number> = {
  png: 2 ** 31 - 1,
  jpeg: 65_535,
  webp: 16_383,
};

/**
 * The picture in the format and exact size asked for. The original bytes, with their metadata,
 * come back untouched when nothing has to change.
 */
export async function deliver(bytes: Buffer, options: DeliverOptions = {}): Promise<Buffer> {
  return await decoded(what, async () => {
    const { autoOrient } = await (await openImage({ bytes })).metadata();
    const own = sniff(bytes).mimeType;
    const { width = autoOrient.width, height = autoOrient.height } = options;
    const keepsSize = width === autoOrient.width && height === autoOrient.height;
    const keepsFormat = options.format === undefined || own === `image/${options.format}`;
    if (keepsSize && keepsFormat) return bytes;

    const picture = await openImage({ bytes, autoOrient: true });
    if (!keepsSize) resizeTo(picture, options);
    const format = options.format ?? deliverable(own);
    refuseTooLong(format, Math.max(width, height));
    return await encode(picture, format, options.quality).toBuffer();
  });
}

function resizeTo(picture: Sharp, { width, height, bars }: DeliverOptions): void {
  picture.resize({
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    fit: bars === true ? "contain" : "cover",
    background: { r: 0, g: 0, b: 0, alpha: 0 },
    position: "centre",
    kernel: "lanczos3",
  });
}

function deliverable(mimeType: string | undefined): DeliveryFormat {
  if (mimeType === "image/jpeg") return "jpeg";
  return mimeType === "image/webp" ? "webp" : "png";
}

function refuseTooLong(format: DeliveryFormat, side: number): void {
  if (side <= longestSide[format]) return;
  throw refusal(
    `A ${format} picture is at most ${longestSide[format]} pixels on a side, not ${side}. Choose png, or a smaller size.`,
  );
}

function encode(picture: Sharp, format: DeliveryFormat, quality = 92): Sharp {
  if (format === "png") return picture.png();
  if (format === "webp") return picture.webp({ quality });
  return picture.flatten({ background: "#ffffff" }).jpeg({ quality });
}

/**
 * What is uploaded to ComfyUI: an upright, single-frame, 8-bit PNG with its alpha. A PNG that is
 * one already comes back as it is.
 */
export async function toPng(bytes: Buffer): Promise<Buffer> {
  return await decoded(what, async () => {
    if (sniff(bytes).mimeType === "image/png" && !isAnimatedPng(bytes)) {
      const { orientation = 1, depth } = await (await openImage({ bytes })).metadata();
      // ComfyUI's LoadImage converts with Pillow, which clips 16-bit grey to white
      // (python-pillow/Pillow#3011); it keeps 8 bits per channel in any case.
      if (orientation === 1 && depth === "uchar") return bytes;
    }
    return await (await openImage({ bytes, autoOrient: true })).png().toBuffer();
  });
}

/** ComfyUI's LoadImage makes a batch of all frames, so one input would become many results. */
function isAnimatedPng(bytes: Buffer): boolean {
  const control = bytes.indexOf("acTL");
  return control !== -1 && control < bytes.indexOf("IDAT");
}

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

type Encoder = (picture: Sharp) => Sharp;

interface Rung {
  side: number;
  encode: Encoder;
}

const sides = [1024, 768, 512, 384, 256];

const white = (picture: Sharp) => picture.flatten({ background: "#ffffff" });
const jpegAt = (quality: number) => (picture: Sharp) => white(picture).jpeg({ quality });
/** A higher effort takes seconds per picture and saves a tenth. */
const palette = (picture: Sharp) => picture.png({ palette: true, effort: 1 });

const jpegEncoders = [jpegAt(85), jpegAt(75), jpegAt(60)];
/** For budgets that no ordinary rung meets. */
const lastJpegRungs: readonly Rung[] = [
  { side: 256, encode: jpegAt(30) },
  { side: 128, encode: jpegAt(60) },
  { side: 128, encode: jpegAt(25) },
  { side: 64, encode: jpegAt(40) },
];
const pngEncoders = [(picture: Sharp) => picture.png(), palette];

/**
 * A small upright picture without metadata whose base64 fits the budget: the first of ever smaller
 * sizes and qualities that does, or the smallest of all. A PNG too large at 256 px becomes a JPEG on
 * white.
 */
export async function preview(bytes: Buffer, options: PreviewOptions = {}): Promise<Preview> {
  const { maxSide = 1024, maxBase64 = 100_000, format } = options;
  return await decoded(what, async () => {
    const pixels = await scaledPixels(bytes, maxSide);
    const asPng = format === undefined ? hasTransparentPixel(pixels) : format === "png";
    const png = asPng ? await climb(pixels, ladder(pixels, pngEncoders), maxBase64) : undefined;
    if (png?.fits) return { ...png.result, mimeType: "image/png" };
    const rungs = [...ladder(pixels, jpegEncoders), ...lastJpegRungs];
    const { result } = await climb(pixels, rungs, maxBase64);
    return { ...result, mimeType: "image/jpeg" };
  });
}

interface Pixels {
  data: Buffer;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

/** Every rung starts from these, so that the original is decoded once. */
async function scaledPixels(bytes: Buffer, side: number): Promise<Pixels> {
  const picture = await openImage({ bytes, autoOrient: true });
  const { data, info } = await picture
    .resize(side, side, { fit: "inside", withoutEnlargement: true })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

function hasTransparentPixel({ data, channels }: Pixels): boolean {
  if (channels === 1 || channels === 3) return false;
  for (let alpha = channels - 1; alpha < data.length; alpha += channels) {
    if (data[alpha] !== 255) return true;
  }
  return false;
}

function ladder({ width, height }: Pixels, encoders: readonly Encoder[]): Rung[] {
  const longest = Math.max(width, height);
  const smaller = sides.filter((side) => side < longest);
  return [longest, ...smaller].flatMap((side) => encoders.map((encode) => ({ side, encode })));
}

async function climb({ data, ...raw }: Pixels, rungs: readonly Rung[], maxBase64: number) {
  const sizePerArea = new Map<Encoder, number>();
  let result = { data, width: raw.width, height: raw.height };
  for (const { side, encode } of rungs) {
    // Shrunk pictures have more detail per pixel, so the area predicts the least size to expect.
    const expected = (sizePerArea.get(encode) ?? 0) * side ** 2;
    if (expected > maxBase64 && side !== sides.at(-1)) continue;
    const picture = await openImage({ bytes: data, raw });
    picture.resize(side, side, { fit: "inside", withoutEnlargement: true });
    const encoded = await encode(picture).toBuffer({ resolveWithObject: true });
    const { width, height } = encoded.info;
    result = { data: encoded.data, width, height };
    const size = base64Length(encoded.data);
    if (size <= maxBase64) return { result, fits: true };
    sizePerArea.set(encode, size / side ** 2);
  }
  return { result, fits: false };
}

function base64Length(bytes: Buffer): number {
  return Math.ceil(bytes.length / 3) * 4;
}
