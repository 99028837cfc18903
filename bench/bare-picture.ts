import sharp from "sharp";

/** The least anybody who looks at a picture does: one decode, and one encoding to show it. */
export async function decodeAndEncode(bytes: Buffer, shown: number): Promise<void> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const picture = sharp(data, { raw: { width, height, channels } });
  if (shown < width) picture.resize(shown);
  await picture.jpeg({ quality: 70 }).toBuffer();
}
