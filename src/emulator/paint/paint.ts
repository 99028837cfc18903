import sharp from "sharp";
import { type Raster, rasterOf } from "../raster.ts";
import { label } from "./label.ts";
import { Random } from "./random.ts";
import { scene } from "./scene.ts";

/** All that a picture depends on; the same subject gives the same picture. */
export interface Subject {
  positive: string;
  negative: string;
  /** File names of the model and its LoRAs. */
  models: readonly string[];
  seed: number;
  steps: number;
  cfg: number;
  width: number;
  height: number;
}

const quotedCharacters = 40;

/** An abstract scene that says in plain letters that no model made it. */
export async function paint(subject: Subject): Promise<Raster> {
  const { width, height, positive, negative, models, seed, steps, cfg } = subject;
  const random = new Random(JSON.stringify([positive, negative, models, seed, steps, cfg]));
  const body = scene(width, height, random) + label(width, height, lines(positive, seed));
  return rasterOf(sharp(Buffer.from(svg(width, height, body))).removeAlpha());
}

/** The words alone, laid over a picture that is not a scene of its own. */
export async function withLabel(raster: Raster, positive: string, seed: number): Promise<Raster> {
  const { width, height, channels, data } = raster;
  const overlay = Buffer.from(svg(width, height, label(width, height, lines(positive, seed))));
  const image = sharp(data, { raw: { width, height, channels } });
  return rasterOf(image.composite([{ input: overlay }]).removeAlpha());
}

function lines(positive: string, seed: number): string[] {
  const text = positive.replace(/\s+/g, " ").trim();
  const quote = [...text].slice(0, quotedCharacters).join("");
  return ["EMULATOR - NO MODEL", ...(quote ? [quote] : []), `seed ${seed}`];
}

function svg(width: number, height: number, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${body}</svg>`;
}
