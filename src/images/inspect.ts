import { refusal } from "../errors.ts";
import { decoded, defaultMaxPixels, openImage } from "./decoder.ts";
import { type ImageMimeType, sniff } from "./sniff.ts";

export type { ImageMimeType } from "./sniff.ts";

export interface ImageInfo {
  mimeType: ImageMimeType;
  /** Width and height are those of the upright picture, after EXIF orientation. */
  width: number;
  height: number;
  /** There is a transparency channel, used or not. */
  hasAlpha: boolean;
  bytes: number;
}

const acceptedFormats = "PNG, JPEG, WebP, GIF, AVIF, TIFF or BMP";

/**
 * Reads what a picture is and decodes it once, so that a broken or truncated file is refused here
 * and not later on the GPU host. `what` starts the sentence of every refusal.
 */
export async function inspectImage(
  bytes: Buffer,
  what: string,
  maxPixels: number = defaultMaxPixels,
): Promise<ImageInfo> {
  const { mimeType, looksLike } = sniff(bytes);
  if (mimeType === undefined) {
    throw refusal(
      `${what} is not a picture we can read: it looks like ${looksLike}. Send ${acceptedFormats}.`,
    );
  }
  const info = await decoded(what, async () => {
    const header = await openImage({ bytes, limitInputPixels: false });
    const { autoOrient, hasAlpha = false } = await header.metadata();
    return { mimeType, ...autoOrient, hasAlpha, bytes: bytes.length };
  });
  if (info.width * info.height > maxPixels) {
    throw refusal(
      `${what} is too large: ${info.width}x${info.height} are ${megapixels(info.width * info.height)}, at most ${megapixels(maxPixels)} are read. Send a smaller version.`,
    );
  }
  await decoded(what, async () => {
    const picture = await openImage({ bytes, limitInputPixels: maxPixels });
    // The default kernel reads every row; "nearest" would skip a missing end.
    await picture.resize(16, 16, { fit: "fill" }).raw().toBuffer();
  });
  return info;
}

function megapixels(pixels: number): string {
  return `${Number((pixels / 1_000_000).toFixed(1))} megapixels`;
}
