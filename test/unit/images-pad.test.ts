import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { paddingForRatio, padForOutpaint } from "../../src/images/pad.ts";
import { cutout, noise, pixelAt, redBlue, solid } from "../fixtures/images/pictures.ts";

const white = [255, 255, 255];
const black = [0, 0, 0];
const none = { left: 0, top: 0, right: 0, bottom: 0 };

async function raw(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => {
    const start = (y * info.width + x) * info.channels;
    return [...data.subarray(start, start + info.channels)];
  };
  return { at, info };
}

describe("padForOutpaint", () => {
  test("the old pixels stay exactly where and what they were", async () => {
    const original = await noise(60, 40).png().toBuffer();

    const padded = await padForOutpaint(original, { left: 10, top: 20, right: 30, bottom: 5 });

    expect(padded).toMatchObject({ width: 100, height: 65 });
    const old = await sharp(padded.image)
      .extract({ left: 10, top: 20, width: 60, height: 40 })
      .raw()
      .toBuffer();
    expect(old.equals(await sharp(original).raw().toBuffer())).toBe(true);
  });

  test("image and mask have the new size, three channels and one", async () => {
    const { image, mask } = await padForOutpaint(await noise(60, 40).jpeg().toBuffer(), {
      ...none,
      right: 20,
    });

    const size = { format: "png", width: 80, height: 40, depth: "uchar" };
    expect(await sharp(image).metadata()).toMatchObject({ ...size, channels: 3 });
    expect(await sharp(mask).metadata()).toMatchObject({ ...size, channels: 1 });
  });

  test("the new area continues the colors of the nearest edge", async () => {
    const original = await (await redBlue(200, 100)).png().toBuffer();

    const { image } = await padForOutpaint(original, { ...none, left: 100, right: 100 });

    const { at } = await raw(image);
    expect([at(2, 50), at(98, 50)]).toEqual([
      [255, 0, 0],
      [255, 0, 0],
    ]);
    expect([at(302, 50), at(398, 50)]).toEqual([
      [0, 0, 255],
      [0, 0, 255],
    ]);
  });

  test("the new area is smooth where the edge is noisy", async () => {
    const { image } = await padForOutpaint(await noise(200, 200).png().toBuffer(), {
      ...none,
      bottom: 200,
    });

    const strip = sharp(image).extract({ left: 40, top: 300, width: 120, height: 90 });
    const { channels } = await sharp(await strip.png().toBuffer()).stats();
    for (const { stdev } of channels) expect(stdev).toBeLessThan(20);
  });

  test("the mask is white on the new area and fades inwards over the old edge", async () => {
    const original = await solid(200, 100, "red").png().toBuffer();

    const { mask } = await padForOutpaint(original, { ...none, right: 50, feather: 40 });

    const { at } = await raw(mask);
    expect([at(249, 0), at(200, 99)]).toEqual([white, white]);
    const ramp = Array.from({ length: 60 }, (_, step) => at(199 - step, 50)[0] ?? -1);
    expect(ramp).toEqual(ramp.toSorted((a, b) => b - a));
    expect(ramp[0]).toBeGreaterThan(250);
    expect(ramp[19]).toBeGreaterThan(110);
    expect(ramp[19]).toBeLessThan(145);
    expect(ramp[41]).toBe(0);
    expect([at(0, 0), at(0, 99), at(100, 0)]).toEqual([black, black, black]);
  });

  test("without feather the mask has a hard edge", async () => {
    const { mask } = await padForOutpaint(await solid(20, 10, "red").png().toBuffer(), {
      ...none,
      top: 5,
      feather: 0,
    });

    const { at } = await raw(mask);
    expect([at(10, 4), at(10, 5)]).toEqual([white, black]);
  });

  test("a rotated photo is padded upright", async () => {
    const photo = await solid(40, 20, "red").jpeg().withMetadata({ orientation: 6 }).toBuffer();

    expect(await padForOutpaint(photo, { ...none, bottom: 10 })).toMatchObject({
      width: 20,
      height: 50,
    });
  });

  test("a cut-out comes out opaque on white", async () => {
    const { image } = await padForOutpaint(await cutout(40, 40).png().toBuffer(), {
      ...none,
      left: 40,
    });

    const paper = { r: 255, g: 255, b: 255, alpha: 255 };
    expect(await pixelAt(image, 0.52, 0.02)).toEqual(paper);
    expect(await pixelAt(image, 0.1, 0.5)).toEqual(paper);
    expect(await pixelAt(image, 0.75, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
  });

  test.for([
    [{ left: -1 }, /^left: -1 is not a whole number from 0 to 4096/],
    [{ top: 4097 }, /^top: 4097 is not/],
    [{ right: 1.5 }, /^right: 1.5 is not/],
    [{ bottom: Number.POSITIVE_INFINITY }, /^bottom: Infinity is not/],
    [{ left: 1, feather: 300 }, /^feather: 300 is not a whole number from 0 to 256/],
    [{}, /^left, top, right, bottom: all are 0/],
    [{ left: 4096, right: 4096 }, /^left \+ right: .* 8212 pixels wide, at most 8192/],
    [{ top: 4096, bottom: 4090 }, /^top \+ bottom: .* 8196 pixels high, at most 8192/],
  ] as const)("%o is refused by name", async ([options, message]) => {
    const original = await solid(20, 10, "red").png().toBuffer();

    await expect(padForOutpaint(original, { ...none, ...options })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(message),
    });
  });
});

describe("paddingForRatio", () => {
  test.for([
    [{ width: 100, height: 100 }, 16 / 9, { left: 39, top: 0, right: 39, bottom: 0 }],
    [{ width: 100, height: 100 }, 9 / 16, { left: 0, top: 39, right: 0, bottom: 39 }],
    [{ width: 100, height: 100 }, 1.01, { left: 0, top: 0, right: 1, bottom: 0 }],
    [{ width: 1920, height: 1080 }, 16 / 9, none],
    [{ width: 1024, height: 768 }, 1, { left: 0, top: 128, right: 0, bottom: 128 }],
    [{ width: 3, height: 1000 }, 1, { left: 498, top: 0, right: 499, bottom: 0 }],
  ] as const)("%o to %d adds %o", ([size, ratio, padding]) => {
    expect(paddingForRatio(size, ratio)).toEqual(padding);
  });
});
