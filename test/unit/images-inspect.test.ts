import sharp from "sharp";
import { afterEach, describe, expect, test, vi } from "vitest";
import { inspectImage } from "../../src/images/inspect.ts";
import {
  animatedGif,
  cutout,
  grey16,
  noise,
  pngClaiming,
  solid,
} from "../fixtures/images/pictures.ts";

describe("accepted pictures", () => {
  const formats = ["png", "jpeg", "webp", "gif", "avif", "tiff"] as const;

  test.for(formats)("%s is recognised by its content, with its size", async (format) => {
    const bytes = await solid(60, 40, "#336699")[format]().toBuffer();

    expect(await inspectImage(bytes, "image")).toMatchObject({
      mimeType: `image/${format}`,
      width: 60,
      height: 40,
      bytes: bytes.length,
    });
  });

  test("width and height of a rotated photo are those of the upright one", async () => {
    const bytes = await solid(60, 40, "red").jpeg().withMetadata({ orientation: 6 }).toBuffer();

    expect(await inspectImage(bytes, "image")).toMatchObject({ width: 40, height: 60 });
  });

  test("alpha means a transparency channel, which an opaque PNG has not", async () => {
    const opaque = await inspectImage(await solid(8, 8, "red").png().toBuffer(), "image");
    const clear = await inspectImage(await cutout(8, 8).png().toBuffer(), "image");
    const palette = await cutout(8, 8).png({ palette: true }).toBuffer();

    expect(opaque.hasAlpha).toBe(false);
    expect(clear.hasAlpha).toBe(true);
    expect((await inspectImage(palette, "image")).hasAlpha).toBe(true);
  });

  test("an animation has the size of one frame", async () => {
    const gif = await animatedGif(30, 20);

    expect((await sharp(gif, { animated: true }).metadata()).pages).toBe(2);
    expect(await inspectImage(gif, "image")).toMatchObject({ width: 30, height: 20 });
  });

  test("16-bit grey and CMYK are pictures too", async () => {
    const cmyk = await solid(10, 10, "red").toColourspace("cmyk").jpeg().toBuffer();

    expect((await sharp(cmyk).metadata()).space).toBe("cmyk");
    expect(await inspectImage(cmyk, "image")).toMatchObject({ mimeType: "image/jpeg", width: 10 });
    expect(await inspectImage(await grey16(9, 7), "image")).toMatchObject({ width: 9, height: 7 });
  });
});

describe("refusals", () => {
  const strangers: [string, string | Buffer, RegExp][] = [
    ["HTML", "\n<!DOCTYPE html><html><body>Not found</body></html>", /looks like HTML\./],
    ["JSON", '{"error":"no such file"}', /looks like JSON\./],
    ["text", "a cat on a mat", /looks like text\./],
    ["PDF", "%PDF-1.7\n", /looks like a PDF\./],
    ["SVG", '<svg xmlns="http://www.w3.org/2000/svg"/>', /looks like SVG, .*not a raster image\./],
    ["SVG behind an XML header", '<?xml version="1.0"?>\n<!-- x --><svg />', /looks like SVG/],
    ["XML", '<?xml version="1.0"?><error/>', /looks like XML\./],
    ["gzip", Buffer.from([0x1f, 0x8b, 8, 0]), /looks like gzip data\./],
    ["HEIC", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), /a HEIC photo\./],
    ["video", Buffer.from("\0\0\0\x18ftypisom\0\0\0\0isommp42", "latin1"), /a video\./],
    ["binary", Buffer.from([1, 2, 3, 0xfe, 0, 5]), /unknown binary data\./],
    ["nothing", "", /looks like an empty file\./],
  ];

  test.for(strangers)("%s is refused by name", async ([, content, message]) => {
    const refused = inspectImage(Buffer.from(content as string), "image: file x.png");

    await expect(refused).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(message),
    });
    await expect(refused).rejects.toThrow(/^image: file x\.png is not a picture we can read/);
  });

  test("the refusal says what to send", async () => {
    await expect(inspectImage(Buffer.from("hello"), "mask: inline data")).rejects.toThrow(
      "mask: inline data is not a picture we can read: it looks like text. Send PNG, JPEG, WebP, GIF, AVIF, TIFF or BMP.",
    );
  });

  test.for(["png", "jpeg", "webp", "gif", "avif", "tiff"] as const)(
    "a %s cut short is refused",
    async (format) => {
      const whole = await noise(300, 200)[format]().toBuffer();
      const bytes = whole.subarray(0, Math.floor(whole.length * 0.9));

      await expect(inspectImage(bytes, "image")).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(/^image is damaged or cut short/),
      });
    },
  );

  test("a large PNG that lacks only its last bytes is refused", async () => {
    const whole = await noise(3000, 2000).png({ compressionLevel: 0 }).toBuffer();

    await expect(inspectImage(whole.subarray(0, -100), "image")).rejects.toThrow(/cut short/);
    await expect(inspectImage(whole, "image")).resolves.toMatchObject({ width: 3000 });
  });

  test("a small file that claims 3600 megapixels is refused without decoding it", async () => {
    await expect(inspectImage(pngClaiming(60_000, 60_000), "image")).rejects.toThrow(
      "image is too large: 60000x60000 are 3600 megapixels, at most 100 megapixels are read.",
    );
  });

  test("the pixel limit is the last size that is read", async () => {
    const bytes = await solid(100, 100, "red").png().toBuffer();

    await expect(inspectImage(bytes, "image", 10_000)).resolves.toMatchObject({ width: 100 });
    await expect(inspectImage(bytes, "image", 9_999)).rejects.toThrow(/too large/);
  });
});

describe("a machine on which sharp does not load", () => {
  afterEach(() => {
    vi.doUnmock("sharp");
    vi.resetModules();
  });

  test("says so, and still tells pictures from other files", async () => {
    vi.resetModules();
    vi.doMock("sharp", () => {
      throw new Error('Could not load the "sharp" module using the plan9-mips runtime');
    });
    const { inspectImage: inspect } = await import("../../src/images/inspect.ts");
    const picture = await solid(8, 8, "red").png().toBuffer();

    await expect(inspect(picture, "image")).rejects.toMatchObject({
      code: "storage",
      message: expect.stringMatching(/native library "sharp" does not load.*npm install/),
    });
    await expect(inspect(Buffer.from("hello"), "image")).rejects.toThrow(/looks like text/);
  });
});
