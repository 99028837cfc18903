import sharp from "sharp";
import { Random } from "../../src/emulator/paint/random.ts";
import { scene } from "../../src/emulator/paint/scene.ts";

export interface Painted {
  bytes: Buffer;
  mimeType: string;
  color: string;
}

/** A picture for a prompt and a seed, always the same one. */
export type Painter = (
  prompt: string,
  seed: number,
  width: number,
  height: number,
) => Promise<Painted>;

export const paintScene: Painter = async (prompt, seed, width, height) => {
  const random = new Random(`${prompt} ${seed}`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${scene(width, height, random)}</svg>`;
  return measured(await sharp(Buffer.from(svg)).png().toBuffer());
};

export async function measured(bytes: Buffer): Promise<Painted> {
  const { channels } = await sharp(bytes).removeAlpha().stats();
  const { format } = await sharp(bytes).metadata();
  const hex = channels
    .slice(0, 3)
    .map(({ mean }) => Math.round(mean).toString(16).padStart(2, "0"));
  return { bytes, mimeType: `image/${format}`, color: hex.join("") };
}

/** What a preview shows at a share of the way: coarse, under noise that clears. */
export async function previewOf(picture: Buffer, share: number): Promise<Buffer> {
  const side = Math.round(40 + 150 * share);
  const small = sharp(picture).removeAlpha().resize(side, side, { fit: "inside" });
  const { data, info } = await small.raw().toBuffer({ resolveWithObject: true });
  const veil = (1 - share) ** 1.5;
  let state = 7;
  for (let i = 0; i < data.length; i += 1) {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    const noise = (state / 2 ** 32 - 0.5) * 190 * veil;
    data[i] = Math.max(
      0,
      Math.min(255, (data[i] ?? 0) * (1 - veil * 0.7) + 128 * veil * 0.7 + noise),
    );
  }
  const { width, height, channels } = info;
  return sharp(data, { raw: { width, height, channels } }).jpeg({ quality: 80 }).toBuffer();
}
