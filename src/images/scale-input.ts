import { refuseUnlessWhole } from "../errors.ts";
import { toPng } from "./convert.ts";
import { decoded, openImage } from "./decoder.ts";
import { colorRaster, rasterPng, resized, type Size, uprightSize } from "./raster.ts";

export interface ScaleOptions {
  /** About how many the picture shall have. */
  pixels: number;
  /** Both sides are multiples of it. */
  multipleOf: number;
}

/** Larger factors show nothing but the kernel. */
const mostEnlargement = 4;
/** The largest side of ComfyUI's own nodes (`nodes.py`, MAX_RESOLUTION). */
const longestSide = 16_384;

/** The picture as a PNG of the size a model likes to paint. */
export async function scaleInput(
  image: Buffer,
  options: ScaleOptions,
): Promise<Size & { image: Buffer }> {
  return await decoded("The picture", async () => {
    const { width, height } = inputSize(await uprightSize(image), options);
    return { image: await scaleTo(image, width, height, "photo"), width, height };
  });
}

/** Of the multiples around the ideal size, those whose shape is nearest to the picture's. */
export function inputSize(from: Size, { pixels, multipleOf }: ScaleOptions): Size {
  const ratio = from.width / from.height;
  const factor = Math.min(mostEnlargement, Math.sqrt(pixels / (from.width * from.height)));
  const candidates = around(from.width * factor, multipleOf).flatMap((width) =>
    around(from.height * factor, multipleOf).map((height) => {
      const enlarged = Math.max(width / from.width, height / from.height) > mostEnlargement;
      const bend = Math.abs(Math.log(width / height / ratio));
      const growth = Math.abs(Math.log((width * height) / (pixelsOf(from) * factor ** 2)));
      return { width, height, cost: bend + growth / 20 + (enlarged ? 100 : 0) };
    }),
  );
  const best = candidates.reduce((a, b) => (b.cost < a.cost ? b : a));
  return { width: best.width, height: best.height };
}

function pixelsOf({ width, height }: Size): number {
  return width * height;
}

function around(side: number, multipleOf: number): number[] {
  const below = Math.max(1, Math.floor(side / multipleOf + 1e-9));
  const above = Math.max(1, Math.ceil(side / multipleOf - 1e-9));
  return [below * multipleOf, above * multipleOf];
}

/**
 * The picture stretched to exactly this size, as an 8-bit PNG: a photo in sRGB with its alpha, a
 * mask in grey and without the overshoot that sharp kernels have.
 */
export async function scaleTo(
  image: Buffer,
  width: number,
  height: number,
  kind: "photo" | "mask",
): Promise<Buffer> {
  return await decoded("The picture", async () => {
    const size = await uprightSize(image);
    const fits = size.width === width && size.height === height;
    if (fits && kind === "photo") return await toPng(image);
    const picture = await openImage({ bytes: image, autoOrient: true });
    const kernel = kind === "photo" ? "lanczos3" : "linear";
    if (!fits) picture.resize(width, height, { fit: "fill", kernel });
    return await picture
      .toColourspace(kind === "photo" ? "srgb" : "b-w")
      .png()
      .toBuffer();
  });
}

/** How a picture gets a size of another shape: stretched, whole with margins, or cropped evenly. */
export type Fit = "fill" | "fit" | "crop";

/**
 * The picture at exactly this size, as a PNG. The margins of "fit" are transparent where the picture
 * has transparency, and white otherwise.
 */
export async function resizeTo(
  image: Buffer,
  width: number,
  height: number,
  fit: Fit,
): Promise<Buffer> {
  refuseUnlessWhole("width", width, 1, longestSide);
  refuseUnlessWhole("height", height, 1, longestSide);
  return await decoded("The picture", async () => {
    const from = await colorRaster(image);
    const background = from.channels === 4 ? { r: 0, g: 0, b: 0, alpha: 0 } : "#ffffff";
    const how = { fill: "fill", fit: "contain", crop: "cover" } as const;
    return await rasterPng(await resized(from, { width, height, fit: how[fit], background }));
  });
}
