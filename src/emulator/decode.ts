import { paint, withLabel } from "./paint/paint.ts";
import { filled, type MaskRaster, mixed, type Raster } from "./raster.ts";
import { scaled, scaledMask } from "./scale.ts";
import type { Latent, Recipe } from "./values.ts";

/** How much of what an edit model looked at stays visible under the scene. */
const referenceShare = 0.6;

/** The pictures a latent stands for: what it was encoded from, and what was sampled over that. */
export async function decoded(latent: Latent): Promise<Raster[]> {
  const frames: Raster[] = [];
  for (let index = 0; index < latent.batch; index += 1) frames.push(await frame(latent, index));
  return frames;
}

async function frame(latent: Latent, index: number): Promise<Raster> {
  const { width, height, pictures, recipe, below } = latent;
  if (recipe) return sampled(latent, recipe, index);
  if (below) return scaled(await frame(below, Math.min(index, below.batch - 1)), width, height);
  const picture = pictures?.[index % pictures.length];
  return picture ? scaled(picture, width, height) : filled(width, height, 0x7f7f7f);
}

async function sampled(latent: Latent, recipe: Recipe, index: number): Promise<Raster> {
  const { width, height, below, noiseMask } = latent;
  if (!below || (!noiseMask && recipe.denoise >= 1)) return scene(recipe, width, height, index);
  const under = await frame(below, Math.min(index, below.batch - 1));
  const ground = await scaled(under, width, height);
  if (noiseMask) return inpainted(ground, noiseMask, recipe, index);
  const blend = mixed(ground, await scene(recipe, width, height, index), recipe.denoise);
  return withLabel(blend, recipe.positive.text, recipe.seed + index);
}

/** The scene is fitted into the masked part, so that its words are seen. */
async function inpainted(
  ground: Raster,
  noiseMask: MaskRaster,
  recipe: Recipe,
  index: number,
): Promise<Raster> {
  const mask = await scaledMask(noiseMask, ground.width, ground.height);
  const box = bounds(mask);
  if (!box) return ground;
  const piece = await scene(recipe, box.width, box.height, index);
  const over = filled(ground.width, ground.height, 0);
  for (let row = 0; row < box.height; row += 1) {
    const to = (row + box.top) * ground.width + box.left;
    piece.data.copy(over.data, to * 3, row * box.width * 3, (row + 1) * box.width * 3);
  }
  return mixed(ground, over, recipe.denoise, mask);
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The smallest box around what the mask marks. */
function bounds({ width, height, data }: MaskRaster): Box | undefined {
  let [left, right, top, bottom] = [width, -1, height, -1];
  data.forEach((value, at) => {
    if (value === 0) return;
    const [x, y] = [at % width, Math.trunc(at / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  if (right < 0) return undefined;
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** What a recipe looks like at any size; small ones serve as previews. */
export async function scene(
  recipe: Recipe,
  width: number,
  height: number,
  index: number,
): Promise<Raster> {
  const { positive, negative, model, seed, steps, cfg } = recipe;
  const picture = await paint({
    positive: positive.text,
    negative: negative.text,
    models: model.files,
    seed: seed + index,
    ...{ steps, cfg, width, height },
  });
  const reference = positive.references[0];
  if (!reference) return picture;
  const under = await scaled(reference, width, height, "lanczos", "center");
  return withLabel(mixed(picture, under, referenceShare), positive.text, seed + index);
}
