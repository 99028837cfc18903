import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { maskFor } from "../../src/images/mask.ts";
import { cutout, grey16, pngClaiming, redBlue, solid } from "../fixtures/images/pictures.ts";

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

const black = { r: 0, g: 0, b: 0, alpha: 1 };
const clear = { r: 0, g: 0, b: 0, alpha: 0 };

/** A box of one colour on another. */
async function boxed(width: number, height: number, box: Box, colour = "#ffffff", on = black) {
  const { left, top, ...size } = box;
  const input = { create: { ...size, channels: 3 as const, background: colour } };
  const ground = { create: { width, height, channels: 4 as const, background: on } };
  const picture = sharp(ground).composite([{ input, left, top }]);
  return await (on.alpha === 1 ? picture.removeAlpha() : picture).png().toBuffer();
}

async function greys(png: Buffer) {
  const grey = sharp(png).toColourspace("b-w").raw();
  const { data, info } = await grey.toBuffer({ resolveWithObject: true });
  return (x: number, y: number) => data[y * info.width + x] ?? -1;
}

const image = await solid(100, 80, "#336699").png().toBuffer();
const middle = { left: 40, top: 30, width: 20, height: 20 };

const wide = await solid(300, 300, "#336699").png().toBuffer();

describe("a mask picture", () => {
  test("comes back as 8-bit grey of the image's size, with its share of white", async () => {
    const { mask, coverage } = await maskFor(image, await boxed(100, 80, middle));

    expect(await sharp(mask).metadata()).toMatchObject({
      format: "png",
      width: 100,
      height: 80,
      channels: 1,
      depth: "uchar",
    });
    expect(coverage).toBe(400 / 8000);
    const at = await greys(mask);
    expect([at(39, 30), at(40, 30), at(59, 49), at(60, 49)]).toEqual([0, 255, 255, 0]);
  });

  test.for([
    ["white on transparent repaints the white", "#ffffff", clear, 255, 0],
    ["one color on transparent repaints the painted part", "#ff0000", clear, 255, 0],
    ["black on transparent keeps the black", "#000000", clear, 0, 255],
    ["grey on black repaints in part", "#808080", black, 128, 0],
    ["white with an erased rest repaints the white", "#ffffff", { ...clear, r: 255 }, 255, 0],
  ] as const)("%s", async ([, colour, ground, inside, outside]) => {
    const at = await greys(
      (await maskFor(image, await boxed(100, 80, middle, colour, ground))).mask,
    );

    expect([at(50, 40), at(5, 5)]).toEqual([inside, outside]);
  });

  test("grey and white on transparent go by their brightness", async () => {
    const white = await boxed(100, 80, middle, "#ffffff", clear);
    const grey = { create: { width: 10, height: 10, channels: 3 as const, background: "#808080" } };
    const both = await sharp(white)
      .composite([{ input: grey, left: 0, top: 0 }])
      .png()
      .toBuffer();

    const at = await greys((await maskFor(image, both)).mask);

    expect([at(50, 40), at(5, 5), at(30, 30)]).toEqual([255, 128, 0]);
  });

  test("a colored picture with a part erased repaints the erased part", async () => {
    const hole = { create: { width: 20, height: 20, channels: 4 as const, background: black } };
    const erased = await (await redBlue(100, 80))
      .ensureAlpha()
      .composite([{ input: hole, left: 40, top: 30, blend: "dest-out" }])
      .png()
      .toBuffer();

    const at = await greys((await maskFor(image, erased)).mask);

    expect([at(50, 40), at(5, 5), at(95, 5)]).toEqual([255, 0, 0]);
  });

  test("of 16 bits per channel keeps its grey", async () => {
    const at = await greys((await maskFor(image, await grey16(100, 80))).mask);

    expect(at(50, 40)).toBe(128);
  });

  test("of the same shape is brought to the image's size", async () => {
    const half = { left: 20, top: 15, width: 10, height: 10 };

    const { mask, coverage } = await maskFor(image, await boxed(50, 40, half));

    const at = await greys(mask);
    expect([at(50, 40), at(30, 20)]).toEqual([255, 0]);
    expect(coverage).toBeCloseTo(0.05, 2);
  });

  test.for([
    [100, 81],
    [99, 80],
    [1010, 800],
  ] as const)("of %ix%i for 100x80 is a rounding difference", async ([width, height]) => {
    const { mask } = await maskFor(image, await solid(width, height, "white").png().toBuffer());

    expect(await sharp(mask).metadata()).toMatchObject({ width: 100, height: 80 });
  });

  test.for([
    [100, 82],
    [80, 100],
    [512, 512],
  ] as const)("of %ix%i for 100x80 is refused with both sizes", async ([width, height]) => {
    const other = await solid(width, height, "white").png().toBuffer();

    await expect(maskFor(image, other)).rejects.toMatchObject({
      code: "invalid_input",
      message: `mask: it is ${width}x${height} and the image 100x80, another shape. Send a mask of 100x80.`,
    });
  });

  test("and image are both turned upright first", async () => {
    const onSide = await solid(80, 100, "red").jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const top = { left: 0, top: 0, width: 80, height: 20 };
    const drawn = await sharp(await boxed(80, 100, top))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();

    const { mask } = await maskFor(onSide, drawn);

    const at = await greys(mask);
    expect(await sharp(mask).metadata()).toMatchObject({ width: 100, height: 80 });
    expect([at(95, 5), at(95, 75), at(5, 5)]).toEqual([255, 255, 0]);
  });

  test("that is all white repaints everything", async () => {
    const white = await solid(100, 80, "white").png().toBuffer();

    expect((await maskFor(image, white, { grow: -10 })).coverage).toBe(1);
  });

  test("without white is refused", async () => {
    const nothing = await solid(100, 80, "black").png().toBuffer();

    await expect(maskFor(image, nothing)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(/^mask: there is nothing to repaint/),
    });
  });

  test.for([
    ["mask", image, Buffer.from("no picture")],
    ["image", Buffer.from("no picture"), image],
  ] as const)("a damaged %s is named", async ([name, damagedImage, damagedMask]) => {
    await expect(maskFor(damagedImage, damagedMask)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(new RegExp(`^${name}: the picture is damaged`)),
    });
  });
});

describe("without a mask picture", () => {
  test("the transparent part of the image is repainted", async () => {
    const { mask, coverage } = await maskFor(await cutout(80, 80).png().toBuffer(), undefined);

    const at = await greys(mask);
    expect([at(2, 2), at(40, 40)]).toEqual([255, 0]);
    expect(coverage).toBe(0.75);
  });

  test.for([
    ["without an alpha channel", false],
    ["with an alpha channel that is opaque", true],
  ] as const)("an image %s is refused with the ways out", async ([, alpha]) => {
    const picture = solid(10, 10, "red");
    const opaque = await (alpha ? picture.ensureAlpha() : picture).png().toBuffer();

    await expect(maskFor(opaque, undefined)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(/^mask: it is needed.* erased\.$/),
    });
  });
});

describe("grow and feather", () => {
  const dot = { left: 150, top: 150, width: 1, height: 1 };
  const square = { left: 100, top: 100, width: 100, height: 100 };

  async function shaped(box: Box, options: { grow?: number; feather?: number }) {
    return await greys((await maskFor(wide, await boxed(300, 300, box), options)).mask);
  }

  test("a grown dot is a disc of that radius", async () => {
    const at = await shaped(dot, { grow: 20 });

    expect([at(130, 150), at(170, 150), at(150, 130), at(150, 170)]).toEqual([255, 255, 255, 255]);
    expect([at(129, 150), at(171, 150), at(150, 129), at(150, 171)]).toEqual([0, 0, 0, 0]);
    expect([at(164, 164), at(166, 166)]).toEqual([255, 0]);
  });

  test("a shrunk square loses that many pixels on each side", async () => {
    const at = await shaped(square, { grow: -20 });

    expect([at(119, 150), at(120, 150), at(179, 150), at(180, 150)]).toEqual([0, 255, 255, 0]);
  });

  test("a part at the border of the image is not shrunk from there", async () => {
    const at = await shaped({ left: 0, top: 0, width: 100, height: 300 }, { grow: -20 });

    expect([at(0, 0), at(79, 299), at(80, 150)]).toEqual([255, 255, 0]);
  });

  test("grow takes its largest value, both ways", async () => {
    const grown = await shaped(dot, { grow: 256 });
    expect([grown(0, 0), grown(299, 299)]).toEqual([255, 255]);

    await expect(shaped(square, { grow: -256 })).rejects.toMatchObject({
      code: "invalid_input",
      message: "grow: -256 leaves nothing of the mask. Use a number nearer to 0.",
    });
  });

  test("feather fades out over that many pixels and keeps the core white", async () => {
    const at = await shaped(square, { feather: 40 });

    expect([at(100, 150), at(199, 150), at(100, 100)]).toEqual([255, 255, 255]);
    const ramp = Array.from({ length: 60 }, (_, step) => at(199 + step, 150));
    expect(ramp).toEqual(ramp.toSorted((a, b) => b - a));
    expect(ramp[20]).toBeGreaterThan(110);
    expect(ramp[20]).toBeLessThan(145);
    expect(ramp[38]).toBeGreaterThan(0);
    expect(ramp[42]).toBe(0);
  });

  test("feather goes around the grown part", async () => {
    const at = await shaped(square, { grow: 10, feather: 20 });

    expect([at(209, 150), at(240, 150)]).toEqual([255, 0]);
    expect(at(219, 150)).toBeGreaterThan(100);
    expect(at(219, 150)).toBeLessThan(155);
  });

  test("a dot keeps its white under the widest feather", async () => {
    expect((await shaped(dot, { feather: 256 }))(150, 150)).toBe(255);
  });

  test("a grey part stays grey while its white neighbour grows", async () => {
    const white = await boxed(300, 300, { left: 0, top: 0, width: 50, height: 300 });
    const grey = { create: { width: 50, height: 50, channels: 3 as const, background: "#404040" } };
    const both = await sharp(white)
      .composite([{ input: grey, left: 200, top: 100 }])
      .png()
      .toBuffer();

    const at = await greys((await maskFor(wide, both, { grow: 10 })).mask);

    expect([at(59, 150), at(60, 150), at(220, 120)]).toEqual([255, 0, 64]);
  });

  test.for([
    ["grow", 257],
    ["grow", -257],
    ["grow", 1.5],
    ["feather", -1],
    ["feather", 257],
    ["feather", Number.NaN],
  ] as const)("%s %d is refused by name", async ([name, value]) => {
    await expect(maskFor(image, undefined, { [name]: value })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(new RegExp(`^${name}: ${value} is not a whole number from`)),
    });
  });

  test("distances are exact", async () => {
    const boxes = [
      { left: 17, top: 23, width: 3, height: 1 },
      { left: 61, top: 40, width: 1, height: 7 },
      { left: 5, top: 70, width: 2, height: 2 },
    ];
    let drawn = await boxed(100, 80, boxes[0]!);
    for (const { left, top, ...size } of boxes.slice(1)) {
      const input = { create: { ...size, channels: 3 as const, background: "#ffffff" } };
      drawn = await sharp(drawn).composite([{ input, left, top }]).png().toBuffer();
    }

    const at = await greys((await maskFor(image, drawn, { grow: 12 })).mask);

    const inside = (x: number, y: number, { left, top, width, height }: Box) =>
      Math.hypot(
        Math.max(left - x, 0, x - left - width + 1),
        Math.max(top - y, 0, y - top - height + 1),
      );
    for (let y = 0; y < 80; y++) {
      for (let x = 0; x < 100; x++) {
        const distance = Math.min(...boxes.map((box) => inside(x, y, box)));
        if (distance <= 12) expect(at(x, y)).toBe(255);
        if (distance >= 13) expect(at(x, y)).toBe(0);
      }
    }
  });
});

test("an edit too large to compute is refused beforehand, with its size and the limit", async () => {
  const message =
    /^image: 8000x5001 are 40 megapixels, and at most 40 are edited with a mask\. Send a smaller version\.$/;

  await expect(maskFor(pngClaiming(8000, 5001), undefined)).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringMatching(message),
  });
  await expect(
    maskFor(await solid(80, 50, "red").png().toBuffer(), pngClaiming(16_000, 10_000)),
  ).rejects.toThrow(/^mask: 16000x10000 are 160 megapixels/);
});

test("other work gets its turn while all pixels are walked", async () => {
  const image = await cutout(3000, 2000).png().toBuffer();
  let turns = 0;
  let done = false;
  const others = () => {
    turns++;
    if (!done) setImmediate(others);
  };
  const edit = maskFor(image, undefined, { grow: 4, feather: 8 });
  setImmediate(others);
  await edit;
  done = true;

  // Six megapixels in slices of a quarter, walked at least five times.
  expect(turns).toBeGreaterThan(100);
});
