import type { Sharp } from "sharp";
import { refusal } from "../errors.ts";
import { decoded, openImage } from "./decoder.ts";
import type { Size } from "./raster.ts";
import { sniff } from "./sniff.ts";

export type DeliveryFormat = "png" | "jpeg" | "webp";

export interface DeliverOptions {
  /** Left out: the format the picture has, or PNG where that cannot be delivered. */
  format?: DeliveryFormat | undefined;
  /** Of the two sides, one left out follows from the aspect ratio. */
  width?: number | undefined;
  height?: number | undefined;
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
    if (!keepsSize) {
      picture.resize({
        ...(options.width === undefined ? {} : { width: options.width }),
        ...(options.height === undefined ? {} : { height: options.height }),
        fit: "cover",
        position: "centre",
        kernel: "lanczos3",
      });
    }
    const format = options.format ?? deliverable(own);
    return await encode(picture, format, { width, height }, options.quality).toBuffer();
  });
}

/** The format of the picture, or PNG where that is none we write. */
export function deliverable(mimeType: string | undefined): DeliveryFormat {
  if (mimeType === "image/jpeg") return "jpeg";
  return mimeType === "image/webp" ? "webp" : "png";
}

function refuseTooLong(format: DeliveryFormat, side: number): void {
  if (side <= longestSide[format]) return;
  throw refusal(
    `A ${format} picture is at most ${longestSide[format]} pixels on a side, not ${side}. Choose png, or a smaller size.`,
  );
}

/** Higher levels take several times as long and save a few percent. */
const pngLevel = 3;

/** Refuses a side that the format cannot express. */
export function encode(
  picture: Sharp,
  format: DeliveryFormat,
  { width, height }: Size,
  quality = 92,
): Sharp {
  refuseTooLong(format, Math.max(width, height));
  if (format === "png") return picture.png({ compressionLevel: pngLevel });
  if (format === "webp") return picture.webp({ quality });
  return picture.flatten({ background: "#ffffff" }).jpeg({ quality });
}

/**
 * What is uploaded to ComfyUI: an upright, single-frame, 8-bit PNG in sRGB with its alpha. A PNG that is
 * one already comes back as it is.
 */
export async function toPng(bytes: Buffer): Promise<Buffer> {
  return await decoded(what, async () => {
    if (sniff(bytes).mimeType === "image/png" && !isAnimatedPng(bytes)) {
      const { orientation = 1, depth, icc } = await (await openImage({ bytes })).metadata();
      // ComfyUI's LoadImage ignores colour profiles. It converts with Pillow, which clips 16-bit grey to white
      // (python-pillow/Pillow#3011); it keeps 8 bits per channel in any case.
      if (orientation === 1 && depth === "uchar" && icc === undefined) return bytes;
    }
    return await (await openImage({ bytes, autoOrient: true })).png().toBuffer();
  });
}

/** ComfyUI's LoadImage makes a batch of all frames, so one input would become many results. */
export function isAnimatedPng(bytes: Buffer): boolean {
  const control = bytes.indexOf("acTL");
  return control !== -1 && control < bytes.indexOf("IDAT");
}
