import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { finishPicture } from "../../src/images/finish.ts";
import { rasterPng } from "../../src/images/raster.ts";
import {
  animatedGif,
  cutout,
  noise,
  pixelAt,
  redBlue,
  solid,
  withChunk,
} from "../fixtures/images/pictures.ts";
import { kinds, scene } from "../fixtures/images/scenes.ts";

const fox = await rasterPng(await scene("landscape", 1, 640, 400));

/** A red square whose surroundings are transparent and yet green. */
async function dirtyCutout(): Promise<Buffer> {
  const data = Buffer.alloc(40 * 40 * 4);
  for (let at = 0; at < data.length; at += 4) {
    const inside = Math.abs(((at / 4) % 40) - 20) < 10 && Math.abs(Math.floor(at / 160) - 20) < 10;
    data.set(inside ? [255, 0, 0, 255] : [0, 200, 0, 0], at);
  }
  return await sharp(data, { raw: { width: 40, height: 40, channels: 4 } })
    .png()
    .toBuffer();
}

describe("what is handed over", () => {
  test("a picture that needs no change keeps its very bytes, metadata included", async () => {
    const made = withChunk(fox, "tEXt", Buffer.from("workflow\0{}"));

    const done = await finishPicture(made, { format: "png", size: { width: 640, height: 400 } });

    expect(done.bytes).toBe(made);
    expect(done.info).toEqual({
      mimeType: "image/png",
      width: 640,
      height: 400,
      hasAlpha: false,
      bytes: made.length,
    });
    expect(done.notes).toEqual([]);
  });

  test("format and exact size are those asked for", async () => {
    const done = await finishPicture(fox, { format: "webp", size: { width: 320, height: 320 } });

    expect(await sharp(done.bytes).metadata()).toMatchObject({
      format: "webp",
      width: 320,
      height: 320,
    });
    expect(done.info).toMatchObject({ mimeType: "image/webp", width: 320, height: 320 });
    expect(done.preview).toMatchObject({ width: 320, height: 320 });
  });

  test("where the mask is black the original comes back", async () => {
    const original = await (await redBlue(60, 40)).png().toBuffer();
    const black = await solid(60, 40, "black").png().toBuffer();

    const { bytes } = await finishPicture(await solid(30, 20, "lime").png().toBuffer(), {
      finishing: { kind: "keep_unmasked", original, mask: black },
    });

    expect(await sharp(bytes).raw().toBuffer()).toEqual(
      await sharp(original).removeAlpha().raw().toBuffer(),
    );
  });

  test("a cut-out keeps nothing of what was removed", async () => {
    const { bytes, info } = await finishPicture(await dirtyCutout());

    expect(await pixelAt(bytes, 0.1, 0.1)).toEqual({ r: 0, g: 0, b: 0, alpha: 0 });
    expect(await pixelAt(bytes, 0.5, 0.5)).toEqual({ r: 255, g: 0, b: 0, alpha: 255 });
    expect(info.hasAlpha).toBe(true);
  });

  test("a cut-out whose hidden parts are clean keeps its very bytes", async () => {
    const made = await cutout(40, 40).png().toBuffer();

    expect((await finishPicture(made)).bytes).toBe(made);
  });

  test("JPEG of a cut-out is white around it, and says so", async () => {
    const done = await finishPicture(await dirtyCutout(), { format: "jpeg" });

    expect((await pixelAt(done.bytes, 0.05, 0.05)).g).toBeGreaterThan(245);
    expect(done.info.hasAlpha).toBe(false);
    expect(done.notes).toEqual([expect.stringMatching(/^JPEG has no transparency.* png or webp/)]);
  });

  test("an alpha channel that hides nothing needs no note", async () => {
    const opaque = await solid(40, 40, "red").ensureAlpha().png().toBuffer();

    expect((await finishPicture(opaque, { format: "jpeg" })).notes).toEqual([]);
  });

  test("an animation is handed over as made, with a note if something else was asked", async () => {
    const made = await animatedGif(60, 40);

    const silent = await finishPicture(made);
    const asked = await finishPicture(made, { format: "png", size: { width: 30, height: 20 } });

    expect(silent).toMatchObject({ bytes: made, notes: [], info: { mimeType: "image/gif" } });
    expect(asked.bytes).toBe(made);
    expect(asked.notes).toEqual([
      "The result is an animation of 2 frames, so it is handed over as it was made (GIF), without output_format png and the size 30x20.",
    ]);
    expect((await pixelAt(asked.preview.data, 0.5, 0.5)).r).toBeGreaterThan(200);
  });

  test.for([
    ["text", Buffer.from("<html>proxy error</html>"), /is none: it looks like HTML/],
    ["half a picture", fox.subarray(0, fox.length / 2), /is damaged or cut short/],
  ] as const)("%s is refused", async ([, bytes, message]) => {
    await expect(finishPicture(bytes)).rejects.toThrow(message);
  });
});

describe("what is shown", () => {
  test.for(kinds)("the preview of a %s fits, near the quality that fits", async (kind) => {
    const { preview } = await finishPicture(await rasterPng(await scene(kind, 7, 1024, 1024)));

    expect(preview.mimeType).toBe("image/jpeg");
    expect(preview.data.toString("base64").length).toBeLessThanOrEqual(100_000);
    expect(preview.width).toBeGreaterThanOrEqual(384);
    // A picture that was made smaller than it had to be would leave much of the budget.
    if (preview.width < 1024) expect(preview.data.length).toBeGreaterThan(75_000 * 0.3);
  });

  test("previews carry no metadata", async () => {
    const made = await sharp(fox)
      .withExif({ IFD0: { ImageDescription: "secret" } })
      .png()
      .toBuffer();

    const { preview } = await finishPicture(withChunk(made, "tEXt", Buffer.from("prompt\0secret")));

    expect((await sharp(preview.data).metadata()).exif).toBeUndefined();
    expect(preview.data.includes("secret")).toBe(false);
  });

  test("transparency is shown as transparency", async () => {
    const { preview } = await finishPicture(await noise(900, 900, 4).png().toBuffer());

    expect(preview.mimeType).toBe("image/png");
    expect(preview.data.toString("base64").length).toBeLessThanOrEqual(100_000);
  });

  test("the mean colour is that of what is visible", async () => {
    expect((await finishPicture(await dirtyCutout())).meanColor).toBe("#ff0000");
    expect((await finishPicture(await solid(40, 40, "#336699").png().toBuffer())).meanColor).toBe(
      "#336699",
    );
  });
});
