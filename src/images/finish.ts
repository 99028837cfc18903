import type { Sharp } from "sharp";
import { refusal } from "../errors.ts";
import { clearHidden, restoreAlpha } from "./alpha.ts";
import { type Background, keepUnmasked, putBackground } from "./composite.ts";
import { type DeliveryFormat, deliverable, encode, isAnimatedPng } from "./convert.ts";
import { decoded, openImage } from "./decoder.ts";
import type { ImageInfo } from "./inspect.ts";
import { hasTransparentPixel, type Preview, type PreviewOptions, previewOf } from "./preview.ts";
import {
  openRaster,
  type Raster,
  resized,
  rgbaRaster,
  rgbRaster,
  type Size,
  srgbRaster,
} from "./raster.ts";
import { type ImageMimeType, sniff } from "./sniff.ts";
import { type Survey, survey } from "./survey.ts";

/** What is done to the pixels before the picture is handed over. */
export type Finishing =
  | { kind: "keep_unmasked"; original: Buffer; mask: Buffer }
  /** The original is the picture with transparency that was handed to ComfyUI flattened. */
  | { kind: "keep_alpha"; original: Buffer }
  | ({ kind: "background" } & Background);

export interface FinishOptions {
  finishing?: Finishing | undefined;
  /** Left out: as made, or PNG where that cannot be delivered. */
  format?: DeliveryFormat | undefined;
  /** What does not fit is cropped evenly. */
  size?: Size | undefined;
  /** Instead, what is missing is made up by transparent bars. @default false */
  bars?: boolean | undefined;
  preview?: PreviewOptions | undefined;
}

export interface FinishedPicture extends Survey {
  bytes: Buffer;
  info: ImageInfo;
  preview: Preview;
  /** What was asked and could not be honoured, as sentences. */
  notes: string[];
}

const what = "The picture from ComfyUI";
const transparent = { r: 0, g: 0, b: 0, alpha: 0 };

/**
 * From what ComfyUI made to what is handed over, kept and shown. The picture is decoded once; that
 * pass finds damage, measures it, and is what preview and verdict are made from. Where nothing has
 * to change, the very bytes come back, with their metadata.
 */
export async function finishPicture(
  made: Buffer,
  options: FinishOptions = {},
): Promise<FinishedPicture> {
  const { mimeType, looksLike } = sniff(made);
  if (mimeType === undefined) throw refusal(`${what} is none: it looks like ${looksLike}.`);
  return await decoded(what, async () => {
    const picture = await openImage({ bytes: made, autoOrient: true });
    const raster = await srgbRaster(picture);
    const frames = await framesOf(made, mimeType, picture);
    const finished =
      frames === undefined
        ? await still(made, mimeType, raster, options)
        : { bytes: made, raster, mimeType, notes: animationNotes(mimeType, frames, options) };
    return await described(finished, options);
  });
}

interface Finished {
  bytes: Buffer;
  raster: Raster;
  mimeType: ImageMimeType;
  notes: string[];
}

/** Undefined for a single picture; an animation is never made a still without a word. */
async function framesOf(made: Buffer, mimeType: ImageMimeType, picture: Sharp) {
  if (mimeType === "image/png") return isAnimatedPng(made) ? "several" : undefined;
  const moves = mimeType === "image/webp" || mimeType === "image/gif" || mimeType === "image/avif";
  if (!moves) return undefined;
  const { pages = 1 } = await picture.metadata();
  return pages > 1 ? String(pages) : undefined;
}

function animationNotes(
  mimeType: ImageMimeType,
  frames: string,
  { format, size, finishing }: FinishOptions,
): string[] {
  const asked = [
    ...(format === undefined || mimeType === `image/${format}` ? [] : [`output_format ${format}`]),
    ...(size === undefined ? [] : [`the size ${size.width}x${size.height}`]),
    ...(finishing === undefined ? [] : ["what was to be done to its pixels"]),
  ];
  if (asked.length === 0) return [];
  return [
    `The result is an animation of ${frames} frames, so it is handed over as it was made (${nameOf(mimeType)}), without ${asked.join(" and ")}.`,
  ];
}

async function still(
  made: Buffer,
  mimeType: ImageMimeType,
  decodedRaster: Raster,
  { finishing, format, size, bars = false }: FinishOptions,
): Promise<Finished> {
  const placed = await place(decodedRaster, finishing);
  const raster = await sized(placed, size, bars);
  const cleared = await clearHidden(raster);
  const keepsPixels = raster === decodedRaster && !cleared;
  const keepsFormat = format === undefined || mimeType === `image/${format}`;
  if (keepsPixels && keepsFormat) return { bytes: made, raster, mimeType, notes: [] };

  const target = format ?? deliverable(mimeType);
  const bytes = await encode(await openRaster(raster), target, raster).toBuffer();
  const as: ImageMimeType = `image/${target}`;
  if (target !== "jpeg" || raster.channels !== 4) return { bytes, raster, mimeType: as, notes: [] };
  const notes = (await hasTransparentPixel(raster))
    ? [
        "JPEG has no transparency, so the transparent parts are white. Ask for png or webp to keep them.",
      ]
    : [];
  const flat = await rgbRaster((await openRaster(raster)).flatten({ background: "#ffffff" }));
  return { bytes, raster: flat, mimeType: as, notes };
}

async function place(raster: Raster, finishing: Finishing | undefined): Promise<Raster> {
  switch (finishing?.kind) {
    case undefined:
      return raster;
    case "keep_unmasked":
      return await keepUnmasked(finishing.original, raster, finishing.mask);
    case "keep_alpha":
      return await restoreAlpha(raster, finishing.original);
    case "background":
      return await putBackground(raster, finishing);
  }
}

async function sized(raster: Raster, size: Size | undefined, bars: boolean): Promise<Raster> {
  if (!size || (size.width === raster.width && size.height === raster.height)) return raster;
  if (bars) {
    const within = {
      ...size,
      fit: "contain",
      background: transparent,
      kernel: "lanczos3",
    } as const;
    return await rgbaRaster((await openRaster(raster)).resize(within));
  }
  return await resized(raster, { ...size, fit: "cover", position: "centre" });
}

async function described(
  { bytes, raster, mimeType, notes }: Finished,
  options: FinishOptions,
): Promise<FinishedPicture> {
  const { width, height, channels } = raster;
  return {
    bytes,
    info: { mimeType, width, height, hasAlpha: channels === 4, bytes: bytes.length },
    preview: await previewOf(raster, options.preview),
    ...(await survey(raster)),
    notes,
  };
}

function nameOf(mimeType: ImageMimeType): string {
  return mimeType.replace("image/", "").toUpperCase();
}
