import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { readColor } from "../../src/images/color.ts";
import {
  type Background,
  keepUnmasked as keepUnmaskedRaster,
  putBackground as putBackgroundRaster,
} from "../../src/images/composite.ts";
import { colorRaster, rasterPng } from "../../src/images/raster.ts";
import { cutout, grey16, noise, pixelAt, redBlue, solid } from "../fixtures/images/pictures.ts";

/** Black, mid grey and white in thirds, left to right. */
async function thirds(width: number, height: number): Promise<Buffer> {
  const row = Buffer.from(
    Array.from({ length: width }, (_, x) => [0, 128, 255][Math.floor((3 * x) / width)] ?? 0),
  );
  const data = Buffer.concat(Array.from({ length: height }, () => row));
  return await sharp(data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}

async function rgba(bytes: Buffer): Promise<Buffer> {
  return await sharp(bytes).toColourspace("srgb").ensureAlpha().raw().toBuffer();
}

async function keepUnmasked(original: Buffer, result: Buffer, mask: Buffer): Promise<Buffer> {
  return await rasterPng(await keepUnmaskedRaster(original, await colorRaster(result), mask));
}

async function putBackground(cutout: Buffer, background: Background): Promise<Buffer> {
  return await rasterPng(await putBackgroundRaster(await colorRaster(cutout), background));
}

describe("keepUnmasked", () => {
  test("black keeps the original exactly, white takes the result exactly, grey blends", async () => {
    const original = await noise(90, 30).png().toBuffer();
    const result = await solid(90, 30, "#ff0000").png().toBuffer();

    const kept = await keepUnmasked(original, result, await thirds(90, 30));

    const [before, after] = [await rgba(original), await rgba(kept)];
    for (let y = 0; y < 30; y++) {
      for (let x = 0; x < 90; x++) {
        const at = (y * 90 + x) * 4;
        const [was, is] = [before.subarray(at, at + 4), [...after.subarray(at, at + 4)]];
        if (x < 30) expect(is).toEqual([...was]);
        if (x >= 60) expect(is).toEqual([255, 0, 0, 255]);
        if (x >= 30 && x < 60) {
          expect(Math.abs((is[1] ?? 0) - ((was[1] ?? 0) * 127) / 255)).toBeLessThanOrEqual(1);
        }
      }
    }
    expect(await sharp(kept).metadata()).toMatchObject({ format: "png", channels: 3 });
  });

  test("a result and mask of other sizes are brought to the original's", async () => {
    const original = await solid(300, 200, "#00ff00").png().toBuffer();
    const result = await solid(96, 64, "#ff0000").jpeg({ quality: 100 }).toBuffer();

    const kept = await keepUnmasked(original, result, await thirds(60, 40));

    expect(await sharp(kept).metadata()).toMatchObject({ width: 300, height: 200 });
    expect(await pixelAt(kept, 0.1, 0.5)).toEqual({ r: 0, g: 255, b: 0, alpha: 255 });
    expect((await pixelAt(kept, 0.9, 0.5)).r).toBeGreaterThan(250);
  });

  test("where not repainted, transparency and hidden colors stay", async () => {
    const data = Buffer.from(Array.from({ length: 90 * 30 }, () => [10, 200, 30, 40]).flat());
    const original = await sharp(data, { raw: { width: 90, height: 30, channels: 4 } })
      .png()
      .toBuffer();
    const result = await solid(90, 30, "#ff0000").png().toBuffer();

    const kept = await keepUnmasked(original, result, await thirds(90, 30));

    expect(await pixelAt(kept, 0.1, 0.5)).toEqual({ r: 10, g: 200, b: 30, alpha: 40 });
    expect(await pixelAt(kept, 0.9, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
  });

  test("the hidden black of a cut-out does not darken a soft edge", async () => {
    const original = await cutout(90, 90).png().toBuffer();
    const result = await solid(90, 90, "#ffffff").png().toBuffer();

    const kept = await keepUnmasked(original, result, await thirds(90, 90));

    expect(await pixelAt(kept, 0.5, 0.1)).toEqual({ r: 255, g: 255, b: 255, alpha: 128 });
    expect((await pixelAt(kept, 0.1, 0.1)).alpha).toBe(0);
  });

  test("a rotated original comes out upright", async () => {
    const photo = await (await redBlue(60, 40))
      .jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const black = await solid(40, 60, "black").png().toBuffer();

    const kept = await keepUnmasked(photo, black, black);

    expect(await sharp(kept).metadata()).toMatchObject({ width: 40, height: 60 });
    expect((await pixelAt(kept, 0.5, 0.1)).r).toBeGreaterThan(240);
    expect((await pixelAt(kept, 0.5, 0.9)).b).toBeGreaterThan(240);
  });

  test("a grey original of 16 bits is kept in 8", async () => {
    const black = await solid(20, 20, "black").png().toBuffer();

    const kept = await keepUnmasked(await grey16(20, 20), black, black);

    expect(await pixelAt(kept, 0.5, 0.5)).toEqual({ r: 128, g: 128, b: 128, alpha: 255 });
  });
});

describe("putBackground", () => {
  test("on a color, the cut-out is opaque", async () => {
    const done = await putBackground(await cutout(40, 40).png().toBuffer(), { color: "#0000ff" });

    expect(await sharp(done).metadata()).toMatchObject({ format: "png", channels: 3 });
    expect(await pixelAt(done, 0.02, 0.02)).toEqual({ r: 0, g: 0, b: 255, alpha: 255 });
    expect(await pixelAt(done, 0.5, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
  });

  test("half transparent pixels mix with the color", async () => {
    const data = Buffer.from(Array.from({ length: 16 }, () => [255, 0, 0, 128]).flat());
    const half = await sharp(data, { raw: { width: 4, height: 4, channels: 4 } })
      .png()
      .toBuffer();

    expect(await pixelAt(await putBackground(half, { color: "white" }), 0.5, 0.5)).toEqual({
      r: 255,
      g: 127,
      b: 127,
      alpha: 255,
    });
  });

  test("on transparent, the cut-out stays as it is", async () => {
    const raster = await colorRaster(await cutout(40, 40).png().toBuffer());

    expect(await putBackgroundRaster(raster, { color: "transparent" })).toBe(raster);
  });

  test("a half transparent color stays so behind the cut-out", async () => {
    const done = await putBackground(await cutout(40, 40).png().toBuffer(), { color: "#0000ff80" });

    expect(await pixelAt(done, 0.02, 0.02)).toEqual({ r: 0, g: 0, b: 255, alpha: 128 });
    expect(await pixelAt(done, 0.5, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
  });

  test("a picture covers the cut-out's size, cropped in the middle", async () => {
    const image = await (await redBlue(400, 100)).png().toBuffer();

    const done = await putBackground(await cutout(40, 80).png().toBuffer(), { image });

    expect(await sharp(done).metadata()).toMatchObject({ width: 40, height: 80 });
    expect((await pixelAt(done, 0.1, 0.05)).r).toBeGreaterThan(250);
    expect((await pixelAt(done, 0.9, 0.05)).b).toBeGreaterThan(250);
    expect(await pixelAt(done, 0.6, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
  });

  test("a grey picture takes a colored cut-out", async () => {
    const image = await solid(40, 40, "#808080").toColourspace("b-w").png().toBuffer();

    const done = await putBackground(await cutout(40, 40).png().toBuffer(), { image });

    expect(await pixelAt(done, 0.02, 0.02)).toEqual({ r: 128, g: 128, b: 128, alpha: 255 });
    expect(await pixelAt(done, 0.5, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
  });

  test.for([
    [
      "an unknown color",
      { color: "blurple" },
      /^background: "blurple" is no color\. Known: a name of CSS/,
    ],
    ["a damaged picture", { image: Buffer.from("no") }, /^background: the picture is damaged/],
  ] as const)("%s is refused", async ([, background, message]) => {
    const original = await cutout(40, 40).png().toBuffer();

    await expect(putBackground(original, background)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(message),
    });
  });
});

describe("readColor", () => {
  test.for([
    ["#fff", [255, 255, 255, 1]],
    ["#1a2B3c", [26, 43, 60, 1]],
    ["#1a2b3c00", [26, 43, 60, 0]],
    [" White ", [255, 255, 255, 1]],
    ["light grey", [211, 211, 211, 1]],
    ["rebeccapurple", [102, 51, 153, 1]],
    ["rgb(1, 2, 3)", [1, 2, 3, 1]],
    ["hsl(120 50% 50%)", [63, 191, 63, 1]],
    ["transparent", [0, 0, 0, 0]],
  ] as const)("%s is %o", async ([text, [r, g, b, alpha]]) => {
    expect(await readColor("background", text)).toEqual({ r, g, b, alpha });
  });

  test.for(["", "#ff", "#12345", "#ggg", "fff0f0", "rgb(1,2", "constructor", "#fff\n#000", "1"])(
    "%j is no color, and the refusal names the parameter",
    async (text) => {
      await expect(readColor("backdrop", text)).rejects.toThrow(/^backdrop: ".*" is no color/s);
    },
  );
});
