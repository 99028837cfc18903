import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { flattenForComfy, restoreAlpha } from "../../src/images/alpha.ts";
import { finishPicture } from "../../src/images/finish.ts";
import { colorRaster, rasterPng } from "../../src/images/raster.ts";
import { cutout, pixelAt, solid } from "../fixtures/images/pictures.ts";

/** One colour on a hidden other one: left half visible, right half not. */
async function halfHidden(visible: number[], hidden: number[]): Promise<Buffer> {
  const row = Array.from({ length: 40 }, (_, x) => (x < 20 ? [...visible, 255] : [...hidden, 0]));
  const data = Buffer.from(Array.from({ length: 20 }, () => row).flat(2));
  return await sharp(data, { raw: { width: 40, height: 20, channels: 4 } })
    .png()
    .toBuffer();
}

describe("what ComfyUI gets", () => {
  test.for([
    ["a dark picture lies on white", [20, 20, 20], 255],
    ["a white one on grey", [255, 255, 255], 128],
  ] as const)("%s, never on its hidden colour", async ([, visible, background]) => {
    const { image, hadAlpha } = await flattenForComfy(await halfHidden([...visible], [0, 200, 0]));

    const [r, g, b] = visible;
    expect(hadAlpha).toBe(true);
    expect(await pixelAt(image, 0.2, 0.5)).toEqual({ r, g, b, alpha: 255 });
    expect(await pixelAt(image, 0.8, 0.5)).toEqual({
      r: background,
      g: background,
      b: background,
      alpha: 255,
    });
  });

  test("a picture that hides nothing is left as it is", async () => {
    const opaque = await solid(20, 20, "#336699").ensureAlpha().png().toBuffer();
    const { image, hadAlpha } = await flattenForComfy(opaque);

    expect(hadAlpha).toBe(false);
    expect(await pixelAt(image, 0.5, 0.5)).toEqual({ r: 51, g: 102, b: 153, alpha: 255 });
  });
});

describe("what comes back", () => {
  test("the result is transparent where the original was, at its own size", async () => {
    const result = await colorRaster(await solid(80, 40, "#336699").png().toBuffer());

    const back = await rasterPng(
      await restoreAlpha(result, await halfHidden([20, 20, 20], [0, 200, 0])),
    );

    expect(await sharp(back).metadata()).toMatchObject({ width: 80, height: 40, channels: 4 });
    expect(await pixelAt(back, 0.2, 0.5)).toEqual({ r: 51, g: 102, b: 153, alpha: 255 });
    expect(await pixelAt(back, 0.9, 0.5)).toEqual({ r: 0, g: 0, b: 0, alpha: 0 });
  });

  test("where the result was cut out itself, both count", async () => {
    const result = await cutout(40, 20).png().toBuffer();

    const { bytes } = await finishPicture(result, {
      finishing: { kind: "keep_alpha", original: await halfHidden([20, 20, 20], [0, 200, 0]) },
    });

    expect((await pixelAt(bytes, 0.05, 0.5)).alpha).toBe(0);
    expect(await pixelAt(bytes, 0.45, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
    expect(await pixelAt(bytes, 0.55, 0.5)).toEqual({ r: 0, g: 0, b: 0, alpha: 0 });
  });
});
