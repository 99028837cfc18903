import sharp from "sharp";
import { PythonError } from "./python.ts";

/**
 * The pixels of one picture with the alpha of another, as PNG: what `/upload/mask` writes. Throws a
 * `PythonError` where their sizes differ.
 */
export async function withAlphaOf(picture: Buffer, mask: Buffer): Promise<Buffer> {
  const alpha = await sharp(mask)
    .ensureAlpha()
    .extractChannel("alpha")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = alpha.info;
  const { data, info } = await sharp(picture)
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== width || info.height !== height) {
    throw new PythonError("ValueError", "images do not match");
  }
  return sharp(data, { raw: { width, height, channels: info.channels } })
    .joinChannel(alpha.data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}
