import { randomBytes } from "node:crypto";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { finishPicture } from "../../src/images/finish.ts";
import type { Raster } from "../../src/images/raster.ts";
import { survey, verdictAdvice } from "../../src/images/survey.ts";
import { cutout, solid } from "../fixtures/images/pictures.ts";
import { kinds, latentNoise, scene } from "../fixtures/images/scenes.ts";

const sizes = [
  [256, 256],
  [300, 400],
  [150, 130],
] as const;

/** What a sampler leaves undone is told from a picture where there is enough of it. */
const noisy = [
  [300, 260],
  [384, 512],
  [1024, 1024],
] as const;

describe("ordinary pictures", () => {
  const table = kinds.flatMap((kind) =>
    sizes.flatMap((size, at) => [1, 2, 3].map((seed) => [kind, seed * 10 + at, size] as const)),
  );

  test("there are more than 200 of them", () => {
    expect(table.length).toBeGreaterThan(200);
  });

  test.for(kinds)("%s raises no alarm", async (kind) => {
    for (const [, seed, [width, height]] of table.filter(([of]) => of === kind)) {
      const { verdict } = await survey(await scene(kind, seed, width, height));
      expect({ kind, seed, verdict }).toEqual({ kind, seed, verdict: undefined });
    }
  });

  test("a silhouette on transparency is no failure, nor is a picture of nothing", async () => {
    const clear = await sharp(Buffer.alloc(64 * 64 * 4), {
      raw: { width: 64, height: 64, channels: 4 },
    })
      .png()
      .toBuffer();

    expect((await finishPicture(await cutout(64, 64).png().toBuffer())).verdict).toBeUndefined();
    expect((await finishPicture(clear)).verdict).toBeUndefined();
  });

  test("one pixel that the sample misses is enough", async () => {
    const data = Buffer.alloc(1024 * 1024 * 3);
    data[3 * (777 * 1024 + 131)] = 200;

    expect(
      (await survey({ data, width: 1024, height: 1024, channels: 3 })).verdict,
    ).toBeUndefined();
  });
});

describe("successes that are none", () => {
  test.for([
    ["black", "#000000", "black"],
    ["a black that JPEG moved", "#020201", "black"],
    ["mid grey", "#7f7f7f", "nan"],
    ["plain red", "#c81e1e", "one_colour"],
    ["plain white", "#ffffff", "one_colour"],
  ] as const)("%s", async ([, color, verdict]) => {
    for (const format of ["png", "jpeg"] as const) {
      const made = await solid(512, 512, color)[format]().toBuffer();
      expect((await finishPicture(made)).verdict).toBe(verdict);
    }
  });

  test.for([0.5, 0.8, 1, 1.5])("latent noise of strength %d", async (strength) => {
    for (const [width, height] of noisy) {
      for (const seed of [1, 2, 3]) {
        const { verdict } = await survey(await latentNoise(seed, width, height, strength));
        expect(verdict).toBe("noise");
      }
    }
  });

  test("noise of single pixels", async () => {
    const raster: Raster = {
      data: randomBytes(512 * 512 * 3),
      width: 512,
      height: 512,
      channels: 3,
    };

    expect((await survey(raster)).verdict).toBe("noise");
  });

  test.for(["black", "nan", "one_colour", "noise"] as const)("%s has advice", (verdict) => {
    expect(verdictAdvice(verdict)).toMatch(/^The picture .*\. .*(VAE|guidance)/);
  });
});
