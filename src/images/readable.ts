import { bmpToPng } from "./bmp.ts";
import { openImage } from "./decoder.ts";
import { sniff } from "./sniff.ts";

const endOfJpeg = Buffer.from([0xff, 0xd9]);

/**
 * The picture in a form that decodes: a BMP becomes PNG, and a JPEG that lacks its end marker gets
 * one: some lack it, and all their rows are there. Everything else comes back as it is.
 */
export async function readable(bytes: Buffer, what: string): Promise<Buffer> {
  const { mimeType, looksLike } = sniff(bytes);
  if (looksLike === "a BMP picture") return await bmpToPng(bytes, what);
  if (mimeType !== "image/jpeg" || bytes.includes(endOfJpeg, bytes.length - 64)) return bytes;
  const completed = Buffer.concat([bytes, endOfJpeg]);
  return (await isWhole(completed)) ? completed : bytes;
}

/** Of a JPEG that lacks more than its marker, the decoder warns. */
async function isWhole(bytes: Buffer): Promise<boolean> {
  try {
    const picture = await openImage({ bytes, failOn: "warning" });
    await picture.resize(16, 16, { fit: "fill" }).raw().toBuffer();
    return true;
  } catch {
    return false;
  }
}
