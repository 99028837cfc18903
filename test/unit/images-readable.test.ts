import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { toPng } from "../../src/images/convert.ts";
import { ImageSources } from "../../src/images/source.ts";
import { noise, pixelAt, redBlue, solid } from "../fixtures/images/pictures.ts";

const sources = new ImageSources();

async function given(bytes: Buffer): Promise<Buffer> {
  const options = { roots: [], lookup: async () => bytes };
  return (await sources.resolve("image", "t0123456789abcdef-1", options)).bytes;
}

/** Left half red, right half blue, as Windows programs write it: from the bottom, rows filled up. */
function bmp(bits: 24 | 32, { topDown = false, compression = 0, alpha = 0 } = {}): Buffer {
  const [width, height] = [5, 4];
  const stride = Math.ceil((width * bits) / 32) * 4;
  const bytes = Buffer.alloc(54 + stride * height);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(topDown ? -height : height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bits, 28);
  bytes.writeUInt32LE(compression, 30);
  for (let row = 0; row < height; row++) {
    const isTop = topDown ? row === 0 : row === height - 1;
    for (let x = 0; x < width; x++) {
      const at = 54 + row * stride + (x * bits) / 8;
      bytes.set(isTop ? [255, 255, 255] : x < 2 ? [0, 0, 255] : [255, 0, 0], at);
      if (bits === 32) bytes[at + 3] = alpha;
    }
  }
  return bytes;
}

describe("BMP", () => {
  test.for([
    [24, {}],
    [24, { topDown: true }],
    [32, {}],
    [32, { topDown: true, alpha: 255 }],
  ] as const)("%d bits %o is read", async ([bits, how]) => {
    const png = await given(bmp(bits, how));

    expect(await sharp(png).metadata()).toMatchObject({ format: "png", width: 5, height: 4 });
    expect(await pixelAt(png, 0.1, 0.1)).toEqual({ r: 255, g: 255, b: 255, alpha: 255 });
    expect(await pixelAt(png, 0.1, 0.9)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
    expect(await pixelAt(png, 0.9, 0.9)).toEqual({ r: 0, g: 0, b: 255, alpha: 255 });
  });

  test("its fourth channel is transparency when it says anything", async () => {
    expect((await pixelAt(await given(bmp(32, { alpha: 40 })), 0.5, 0.5)).alpha).toBe(40);
  });

  test("compressed and cut ones are refused in words", async () => {
    await expect(given(bmp(24, { compression: 1 }))).rejects.toThrow(
      /^image: .* is a BMP of a kind that is not read: .* Save it as PNG\./,
    );
    await expect(given(bmp(24).subarray(0, 80))).rejects.toThrow(/^image: .* is cut short/);
    await expect(given(Buffer.from("BM"))).rejects.toThrow(/^image: .* is cut short/);
  });
});

describe("JPEG", () => {
  test("without its end marker it is read as the same picture", async () => {
    const whole = await (await redBlue(64, 48)).jpeg().toBuffer();

    const read = await given(whole.subarray(0, -2));

    expect(read).toEqual(whole);
  });

  test("one that lacks more than that is still refused", async () => {
    const whole = await noise(200, 200).jpeg().toBuffer();

    await expect(given(whole.subarray(0, whole.length / 2))).rejects.toThrow(
      /damaged or cut short/,
    );
  });
});

describe("colour profiles", () => {
  test("Display P3 is converted, for ComfyUI would take its numbers for sRGB", async () => {
    const wide = await solid(20, 20, "#00ff00").withIccProfile("p3").png().toBuffer();
    const raw = await sharp(wide).metadata();
    expect(raw.icc).toBeDefined();

    const png = await toPng(wide);

    expect((await sharp(png).metadata()).icc).toBeUndefined();
    const { r, g, b } = await pixelAt(png, 0.5, 0.5);
    expect(r).toBeLessThan(12);
    expect(g).toBeGreaterThan(243);
    expect(b).toBeLessThan(12);
  });
});
