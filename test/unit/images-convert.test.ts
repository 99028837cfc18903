import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { deliver, toPng } from "../../src/images/convert.ts";
import { preview } from "../../src/images/preview.ts";
import {
  animatedGif,
  cutout,
  grey16,
  noise,
  pixelAt,
  redBlue,
  solid,
  withChunk,
} from "../fixtures/images/pictures.ts";

function base64Length(bytes: Buffer): number {
  return bytes.toString("base64").length;
}

describe("preview", () => {
  test("noise of 4096x4096 fits the budget", async () => {
    const original = await noise(4096, 4096).png({ compressionLevel: 0 }).toBuffer();

    const small = await preview(original);

    expect(base64Length(small.data)).toBeLessThanOrEqual(100_000);
    expect(small.mimeType).toBe("image/jpeg");
    expect(small.width).toBe(small.height);
    expect(small.width).toBeGreaterThanOrEqual(512);
  });

  test("noise with transparency fits the budget and keeps the transparency", async () => {
    const original = await noise(1500, 1500, 4).png().toBuffer();

    const small = await preview(original);

    expect(base64Length(small.data)).toBeLessThanOrEqual(100_000);
    expect(small.mimeType).toBe("image/png");
    expect((await sharp(small.data).stats()).isOpaque).toBe(false);
  }, 20_000);

  test("an easy picture gets the full 1024 pixels", async () => {
    const small = await preview(await solid(1920, 1088, "#336699").png().toBuffer());

    expect(small).toMatchObject({ mimeType: "image/jpeg", width: 1024, height: 580 });
    expect(await sharp(small.data).metadata()).toMatchObject({
      format: "jpeg",
      width: 1024,
      height: 580,
    });
  });

  test("a small picture is not enlarged", async () => {
    const small = await preview(await solid(31, 17, "red").png().toBuffer());

    expect(small).toMatchObject({ width: 31, height: 17 });
  });

  test("maxSide and maxBase64 are kept", async () => {
    const original = await noise(2000, 1000).png().toBuffer();

    const small = await preview(original, { maxSide: 640, maxBase64: 20_000 });

    expect(Math.max(small.width, small.height)).toBeLessThanOrEqual(640);
    expect(base64Length(small.data)).toBeLessThanOrEqual(20_000);
  });

  test("a budget below every ordinary rung still gets a thumbnail", async () => {
    const small = await preview(await noise(1000, 1000).png().toBuffer(), { maxBase64: 3_000 });

    expect(base64Length(small.data)).toBeLessThanOrEqual(3_000);
    expect(small.width).toBeGreaterThanOrEqual(64);
  });

  test("a cut-out stays transparent around its subject", async () => {
    const small = await preview(await cutout(2000, 1000).png().toBuffer());

    expect(small).toMatchObject({ mimeType: "image/png", width: 1024, height: 512 });
    expect((await pixelAt(small.data, 0.02, 0.02)).alpha).toBe(0);
    expect(await pixelAt(small.data, 0.5, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
  });

  test("a cut-out as JPEG lies on white, not on black", async () => {
    const small = await preview(await cutout(600, 600).png().toBuffer(), { format: "jpeg" });

    const corner = await pixelAt(small.data, 0.02, 0.02);
    expect(small.mimeType).toBe("image/jpeg");
    expect(Math.min(corner.r, corner.g, corner.b)).toBeGreaterThan(245);
  });

  test("transparency too large for any PNG becomes a JPEG on white", async () => {
    const original = await noise(600, 600, 4).png().toBuffer();

    const small = await preview(original, { maxBase64: 12_000 });

    expect(small.mimeType).toBe("image/jpeg");
    expect(base64Length(small.data)).toBeLessThanOrEqual(12_000);
    // Noise over noise of transparency averages 3/4 white on white and 1/4 on black.
    const { channels } = await sharp(small.data).stats();
    expect(channels[0]?.mean).toBeGreaterThan(160);
  });

  test("an alpha channel without a transparent pixel gives a JPEG", async () => {
    const opaque = await solid(64, 64, "red").ensureAlpha().png().toBuffer();

    expect((await sharp(opaque).metadata()).hasAlpha).toBe(true);
    expect((await preview(opaque)).mimeType).toBe("image/jpeg");
  });

  test("format png gives a PNG of an opaque picture", async () => {
    const small = await preview(await solid(64, 64, "red").jpeg().toBuffer(), { format: "png" });

    expect(small.mimeType).toBe("image/png");
    expect((await sharp(small.data).metadata()).format).toBe("png");
  });

  test("a rotated photo is shown upright, without its metadata", async () => {
    const photo = await (await redBlue(60, 40))
      .jpeg({ quality: 100 })
      .withExif({ IFD0: { Copyright: "someone", Orientation: "6" } })
      .withMetadata({ orientation: 6 })
      .toBuffer();

    const small = await preview(photo);

    const { exif, icc, orientation } = await sharp(small.data).metadata();
    expect(small).toMatchObject({ width: 40, height: 60 });
    expect((await pixelAt(small.data, 0.5, 0.1)).r).toBeGreaterThan(200);
    expect((await pixelAt(small.data, 0.5, 0.9)).b).toBeGreaterThan(200);
    expect([exif, icc, orientation]).toEqual([undefined, undefined, undefined]);
  });

  test("the workflow ComfyUI writes into its PNGs is not in the preview", async () => {
    const text = Buffer.from('prompt\0{"3":{"class_type":"KSampler"}}');
    const png = withChunk(await cutout(64, 64).png().toBuffer(), "tEXt", text);

    expect((await preview(png)).data.includes("KSampler")).toBe(false);
  });

  test("16-bit grey keeps its brightness", async () => {
    const { r } = await pixelAt((await preview(await grey16(40, 30))).data, 0.5, 0.5);

    expect(r).toBeGreaterThan(120);
    expect(r).toBeLessThan(136);
  });

  test("CMYK keeps its colours", async () => {
    const cmyk = await solid(64, 64, "#c02010").toColourspace("cmyk").jpeg().toBuffer();

    const { r, g, b } = await pixelAt((await preview(cmyk)).data, 0.5, 0.5);

    expect(r).toBeGreaterThan(150);
    expect(Math.max(g, b)).toBeLessThan(80);
  });

  test("an animation shows its first frame", async () => {
    const { r, b } = await pixelAt((await preview(await animatedGif(40, 30))).data, 0.5, 0.5);

    expect(r).toBeGreaterThan(200);
    expect(b).toBeLessThan(50);
  });

  test("a strip keeps one pixel of height", async () => {
    const small = await preview(await solid(5000, 2, "red").png().toBuffer());

    expect(small).toMatchObject({ width: 1024, height: 1 });
  });
});

describe("deliver", () => {
  let render: Buffer;
  beforeAll(async () => {
    render = await (await redBlue(1920, 1088)).png().toBuffer();
  });

  const sizes: [number, number][] = [
    [1920, 1080],
    [1000, 1000],
    [513, 771],
    [1, 1],
    [2400, 1361],
  ];

  test.for(sizes)("1920x1088 becomes exactly %ix%i", async ([width, height]) => {
    const out = await deliver(render, { width, height });

    expect(await sharp(out).metadata()).toMatchObject({ format: "png", width, height });
  });

  test("the crop is centred and does not stretch", async () => {
    const square = await deliver(render, { width: 1000, height: 1000 });

    expect(await pixelAt(square, 0.45, 0.5)).toMatchObject({ r: 255, b: 0 });
    expect(await pixelAt(square, 0.55, 0.5)).toMatchObject({ r: 0, b: 255 });
  });

  test("one side alone keeps the aspect ratio", async () => {
    const out = await deliver(render, { width: 960 });

    expect(await sharp(out).metadata()).toMatchObject({ width: 960, height: 544 });
  });

  const unchanged = [
    {},
    { format: "png" as const },
    { width: 1920, height: 1088 },
    { format: "png" as const, width: 1920, height: 1088, quality: 80 },
  ];
  test.for(unchanged)("nothing to change returns the very bytes: %j", async (options) => {
    expect(await deliver(render, options)).toBe(render);
  });

  test("a format without a size changes the format only", async () => {
    const jpeg = await deliver(render, { format: "jpeg" });

    expect(await sharp(jpeg).metadata()).toMatchObject({
      format: "jpeg",
      width: 1920,
      height: 1088,
    });
  });

  test("a lower quality is a smaller file", async () => {
    const picture = await noise(300, 300).png().toBuffer();
    const fine = await deliver(picture, { format: "webp", quality: 95 });
    const coarse = await deliver(picture, { format: "webp", quality: 30 });

    expect(coarse.length).toBeLessThan(fine.length / 2);
  });

  test.for(["png", "webp"] as const)("transparency survives in %s", async (format) => {
    const out = await deliver(await cutout(400, 300).png().toBuffer(), {
      format,
      width: 200,
      height: 200,
    });

    expect((await sharp(out).metadata()).format).toBe(format);
    expect((await pixelAt(out, 0.01, 0.01)).alpha).toBe(0);
    expect((await pixelAt(out, 0.5, 0.5)).alpha).toBe(255);
  });

  test("transparency becomes white in JPEG", async () => {
    const out = await deliver(await cutout(400, 300).png().toBuffer(), { format: "jpeg" });

    const corner = await pixelAt(out, 0.01, 0.01);
    expect(Math.min(corner.r, corner.g, corner.b)).toBeGreaterThan(245);
  });

  test("a rotated photo is measured and delivered upright", async () => {
    const photo = await solid(60, 40, "red").jpeg().withMetadata({ orientation: 6 }).toBuffer();

    const out = await deliver(photo, { format: "png" });

    expect(await deliver(photo, { width: 40, height: 60 })).toBe(photo);
    expect(await sharp(out).metadata()).toMatchObject({ width: 40, height: 60 });
  });

  test("a resized picture keeps its format where that can be delivered", async () => {
    const webp = await solid(40, 40, "red").webp().toBuffer();
    const gif = await solid(40, 40, "red").gif().toBuffer();

    expect((await sharp(await deliver(webp, { width: 20 })).metadata()).format).toBe("webp");
    expect((await sharp(await deliver(gif, { width: 20 })).metadata()).format).toBe("png");
  });

  test("a side that WebP cannot express is refused with the way out", async () => {
    const strip = await solid(100, 1, "red").png().toBuffer();

    await expect(
      deliver(strip, { format: "webp", width: 20_000, height: 10 }),
    ).rejects.toMatchObject({
      code: "invalid_input",
      message:
        "A webp picture is at most 16383 pixels on a side, not 20000. Choose png, or a smaller size.",
    });
  });

  test("bytes that are no picture are refused in words", async () => {
    await expect(deliver(Buffer.from("nothing"), { width: 5 })).rejects.toMatchObject({
      code: "invalid_input",
    });
  });
});

describe("toPng", () => {
  test("an upright PNG comes back as it is", async () => {
    const png = await cutout(40, 30).png().toBuffer();

    expect(await toPng(png)).toBe(png);
  });

  test.for(["jpeg", "webp", "gif", "avif", "tiff"] as const)("%s becomes PNG", async (format) => {
    const png = await toPng(await solid(40, 30, "#336699")[format]().toBuffer());

    expect(await sharp(png).metadata()).toMatchObject({ format: "png", width: 40, height: 30 });
  });

  test("a rotated photo becomes upright", async () => {
    const photo = await (await redBlue(60, 40)).jpeg().withMetadata({ orientation: 6 }).toBuffer();

    const png = await toPng(photo);

    expect(await sharp(png).metadata()).toMatchObject({ width: 40, height: 60 });
    expect((await pixelAt(png, 0.5, 0.1)).r).toBeGreaterThan(200);
  });

  test("a rotated PNG becomes upright", async () => {
    const rotated = await (await redBlue(60, 40)).png().withMetadata({ orientation: 6 }).toBuffer();

    expect(await sharp(await toPng(rotated)).metadata()).toMatchObject({ width: 40, height: 60 });
  });

  test("transparency of a WebP is kept", async () => {
    const png = await toPng(await cutout(40, 40).webp().toBuffer());

    expect((await pixelAt(png, 0.02, 0.02)).alpha).toBe(0);
  });

  test("an animation becomes its first frame", async () => {
    const png = await toPng(await animatedGif(40, 30));

    expect(await sharp(png).metadata()).toMatchObject({ width: 40, height: 30 });
    expect(await pixelAt(png, 0.5, 0.5)).toMatchObject({ r: 255, b: 0 });
  });

  test("an animated PNG loses its animation", async () => {
    const still = await solid(40, 30, "red").png().toBuffer();
    const animated = withChunk(still, "acTL", Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]));

    const png = await toPng(animated);

    expect(png.includes("acTL")).toBe(false);
    expect(await pixelAt(png, 0.5, 0.5)).toMatchObject({ r: 255, g: 0, b: 0 });
  });

  test("16-bit grey becomes 8-bit grey of the same brightness", async () => {
    const png = await toPng(await grey16(40, 30));

    const { r } = await pixelAt(png, 0.5, 0.5);
    expect((await sharp(png).metadata()).depth).toBe("uchar");
    expect(r).toBeGreaterThan(120);
    expect(r).toBeLessThan(136);
  });

  test("a CMYK photo becomes RGB", async () => {
    const cmyk = await solid(20, 20, "#c02010").toColourspace("cmyk").jpeg().toBuffer();

    expect((await sharp(await toPng(cmyk)).metadata()).space).toBe("srgb");
  });
});
