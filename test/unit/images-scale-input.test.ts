import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { inputSize, resizeTo, scaleInput, scaleTo } from "../../src/images/scale-input.ts";
import {
  animatedGif,
  cutout,
  grey16,
  noise,
  pixelAt,
  redBlue,
  solid,
} from "../fixtures/images/pictures.ts";

const megapixel = 1024 * 1024;

describe("inputSize", () => {
  test.for([
    ["a square", 2000, 2000, megapixel, 64, 1024, 1024],
    ["a full HD frame", 1920, 1080, megapixel, 8, 1368, 768],
    ["a phone photo", 3024, 4032, megapixel, 16, 880, 1168],
    ["a small picture, enlarged", 512, 512, megapixel, 8, 1024, 1024],
    ["a tiny picture, at most fourfold", 100, 100, megapixel, 8, 400, 400],
    ["a tiny picture, still a multiple", 5, 5, megapixel, 64, 64, 64],
    ["a ribbon", 10_000, 21, megapixel, 8, 22_352, 48],
  ] as const)("%s of %ix%i at %i pixels in multiples of %i is %ix%i", (row) => {
    const [, width, height, pixels, multipleOf, toWidth, toHeight] = row;

    expect(inputSize({ width, height }, { pixels, multipleOf })).toEqual({
      width: toWidth,
      height: toHeight,
    });
  });

  test("any size stays near the count and the shape, in whole multiples", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 8000 }),
        fc.integer({ min: 200, max: 8000 }),
        fc.constantFrom(8, 16, 32, 64),
        (width, height, multipleOf) => {
          const from = { width, height };
          const size = inputSize(from, { pixels: megapixel, multipleOf });

          expect(size.width % multipleOf).toBe(0);
          expect(size.height % multipleOf).toBe(0);
          const factor = Math.min(4, Math.sqrt(megapixel / (width * height)));
          expect(Math.abs(size.width - width * factor)).toBeLessThan(multipleOf);
          expect(Math.abs(size.height - height * factor)).toBeLessThan(multipleOf);
          expect(size.width).toBeLessThanOrEqual(4 * width);
          expect(size.height).toBeLessThanOrEqual(4 * height);
          // Rounding one side by half a multiple bends the shape by this much.
          const rounding = multipleOf / Math.min(size.width, size.height);
          const bend = size.width / size.height / (width / height);
          expect(Math.abs(Math.log(bend))).toBeLessThanOrEqual(0.01 + rounding);
        },
      ),
    );
  });
});

describe("scaleInput", () => {
  test("the PNG has the size that is said", async () => {
    const scaled = await scaleInput(await noise(300, 200).jpeg().toBuffer(), {
      pixels: 240_000,
      multipleOf: 8,
    });

    expect(await sharp(scaled.image).metadata()).toMatchObject({
      format: "png",
      width: scaled.width,
      height: scaled.height,
    });
    expect(scaled).toMatchObject({ width: 600, height: 400 });
  });

  test("a picture that fits already comes back as it is", async () => {
    const original = await noise(64, 64).png().toBuffer();

    const scaled = await scaleInput(original, { pixels: 4096, multipleOf: 8 });

    expect(scaled).toEqual({ image: original, width: 64, height: 64 });
  });

  test("a rotated photo is scaled upright", async () => {
    const photo = await solid(400, 200, "red").jpeg().withMetadata({ orientation: 6 }).toBuffer();

    expect(await scaleInput(photo, { pixels: 20_000, multipleOf: 4 })).toMatchObject({
      width: 100,
      height: 200,
    });
  });

  test("a cut-out keeps its alpha, without the hidden black at its edge", async () => {
    const { image } = await scaleInput(await cutout(200, 200).png().toBuffer(), {
      pixels: 160_000,
      multipleOf: 8,
    });

    expect((await pixelAt(image, 0.1, 0.1)).alpha).toBe(0);
    const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 400, height: 400, channels: 4 });
    for (let at = 0; at < data.length; at += 4) {
      if ((data[at + 3] ?? 0) >= 16) expect(data[at]).toBeGreaterThan(240);
    }
  });

  test("the first frame of an animation is scaled", async () => {
    const { image } = await scaleInput(await animatedGif(40, 40), {
      pixels: 6400,
      multipleOf: 8,
    });

    expect(await sharp(image).metadata()).toMatchObject({ width: 80, height: 80 });
  });
});

describe("scaleTo", () => {
  test.for([
    ["photo", 3],
    ["mask", 1],
  ] as const)(
    "a %s gets exactly the size, with %i channels of 8 bits",
    async ([kind, channels]) => {
      const scaled = await scaleTo(await noise(90, 70).png().toBuffer(), 64, 128, kind);

      expect(await sharp(scaled).metadata()).toMatchObject({
        format: "png",
        width: 64,
        height: 128,
        channels,
        depth: "uchar",
      });
    },
  );

  test("a mask's hard edge gets no overshoot", async () => {
    const half = { create: { width: 40, height: 80, channels: 3 as const, background: "#b4b4b4" } };
    const mask = await solid(80, 80, "#3c3c3c")
      .composite([{ input: half, gravity: "west" }])
      .png()
      .toBuffer();

    for (const side of [33, 211]) {
      const { channels } = await sharp(await scaleTo(mask, side, side, "mask")).stats();
      expect(channels[0]).toMatchObject({ min: 60, max: 180 });
    }
  });

  test("a mask of the right size becomes grey all the same", async () => {
    const scaled = await scaleTo(await solid(20, 20, "white").jpeg().toBuffer(), 20, 20, "mask");

    expect(await sharp(scaled).metadata()).toMatchObject({ format: "png", channels: 1 });
    expect((await pixelAt(scaled, 0.5, 0.5)).r).toBe(255);
  });

  test("16 bits become 8", async () => {
    const scaled = await scaleTo(await grey16(20, 20), 40, 40, "photo");

    expect((await sharp(scaled).metadata()).depth).toBe("uchar");
    expect((await pixelAt(scaled, 0.5, 0.5)).r).toBe(128);
  });

  test("damaged bytes are refused", async () => {
    await expect(scaleTo(Buffer.from("nothing"), 8, 8, "photo")).rejects.toMatchObject({
      code: "invalid_input",
    });
  });
});

describe("resizeTo", () => {
  test.for([
    ["fill", { r: 255, g: 0, b: 0, alpha: 255 }, { r: 0, g: 0, b: 255, alpha: 255 }],
    ["fit", { r: 255, g: 255, b: 255, alpha: 255 }, { r: 255, g: 255, b: 255, alpha: 255 }],
    ["crop", { r: 255, g: 0, b: 0, alpha: 255 }, { r: 0, g: 0, b: 255, alpha: 255 }],
  ] as const)("%s has exactly the size", async ([fit, left, right]) => {
    const square = await (await redBlue(100, 100)).removeAlpha().png().toBuffer();

    const wide = await resizeTo(square, 192, 108, fit);

    expect(await sharp(wide).metadata()).toMatchObject({ width: 192, height: 108 });
    expect(await pixelAt(wide, 0.05, 0.5)).toEqual(left);
    expect(await pixelAt(wide, 0.95, 0.5)).toEqual(right);
  });

  test("the margins of a cut-out are transparent", async () => {
    const wide = await resizeTo(await cutout(50, 50).png().toBuffer(), 200, 50, "fit");

    expect((await pixelAt(wide, 0.05, 0.5)).alpha).toBe(0);
    expect(await pixelAt(wide, 0.5, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
  });

  test("a side of nothing is refused by name", async () => {
    const square = await cutout(50, 50).png().toBuffer();

    await expect(resizeTo(square, 0, 50, "fit")).rejects.toThrow(/^width: 0 is not a whole number/);
  });
});
