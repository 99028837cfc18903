import fc from "fast-check";
import { expect, test } from "vitest";
import { AppError } from "../../src/errors.ts";
import {
  type AskedSize,
  inputRules,
  renderSize,
  type SizeRules,
  sizeRules,
} from "../../src/workflows/sizes.ts";
import { sampleWorkflow } from "../fixtures/workflows/sample.ts";

const square = { width: 1024, height: 1024 };
const flux: SizeRules = {
  native: { pixels: 1_048_576, least: 65_536, most: 2_400_000 },
  multipleOf: 16,
  defaults: square,
};
const sdxl: SizeRules = { native: { pixels: 1_048_576 }, multipleOf: 8, defaults: square };
const sd15: SizeRules = { native: { pixels: 262_144 }, multipleOf: 8, defaults: square };
const free: SizeRules = { multipleOf: 8, defaults: { width: 1200, height: 800 } };

function shown(asked: AskedSize, rules: SizeRules): string {
  const { render, deliver } = renderSize(asked, rules);
  return `${render.width}x${render.height} -> ${deliver.width}x${deliver.height}`;
}

test.for<[string, SizeRules, AskedSize, string]>([
  ["FLUX", flux, {}, "1024x1024 -> 1024x1024"],
  ["FLUX", flux, { width: 1920, height: 1080 }, "1920x1088 -> 1920x1080"],
  ["FLUX", flux, { width: 1536, height: 1536 }, "1536x1536 -> 1536x1536"],
  ["FLUX", flux, { width: 1000, height: 1000 }, "1008x1008 -> 1000x1000"],
  ["FLUX", flux, { width: 513, height: 771 }, "528x784 -> 513x771"],
  ["FLUX", flux, { width: 64, height: 64 }, "256x256 -> 64x64"],
  ["FLUX", flux, { width: 3840, height: 2160 }, "2064x1168 -> 3840x2160"],
  ["SDXL", sdxl, { width: 1920, height: 1080 }, "1368x768 -> 1920x1080"],
  ["SDXL", sdxl, { width: 1536, height: 1536 }, "1024x1024 -> 1536x1536"],
  ["SDXL", sdxl, { width: 1000, height: 1000 }, "1000x1000 -> 1000x1000"],
  ["SDXL", sdxl, { width: 513, height: 771 }, "832x1256 -> 513x771"],
  ["SDXL", sdxl, { width: 4096, height: 64 }, "4096x64 -> 4096x64"],
  ["SD 1.5", sd15, {}, "512x512 -> 512x512"],
  ["SD 1.5", sd15, { width: 513, height: 771 }, "520x776 -> 513x771"],
  ["SD 1.5", sd15, { width: 1024, height: 1024 }, "512x512 -> 1024x1024"],
  ["an unknown model", free, {}, "1200x800 -> 1200x800"],
  ["an unknown model", free, { width: 4001, height: 65 }, "4008x72 -> 4001x65"],
])("%s, asked for %o: %o", ([, rules, asked, expected]) => {
  expect(shown(asked, rules)).toBe(expected);
});

test.for<[AskedSize, string]>([
  [{ aspectRatio: "16:9" }, "1360x768 -> 1360x765"],
  [{ aspectRatio: "9/16" }, "768x1360 -> 765x1360"],
  [{ aspectRatio: "square" }, "1024x1024 -> 1024x1024"],
  [{ aspectRatio: "Landscape" }, "1152x864 -> 1152x864"],
  [{ aspectRatio: "portrait" }, "864x1152 -> 864x1152"],
  [{ aspectRatio: "wide" }, "1360x768 -> 1360x765"],
  [{ aspectRatio: "tall" }, "768x1360 -> 765x1360"],
  [{ aspectRatio: "3x2" }, "1248x832 -> 1248x832"],
  [{ aspectRatio: "1.85:1" }, "1408x768 -> 1406x760"],
  [{ aspectRatio: "1920x1080" }, "1920x1088 -> 1920x1080"],
  [{ aspectRatio: "1152*896" }, "1152x896 -> 1152x896"],
  [{ aspectRatio: "1152×896" }, "1152x896 -> 1152x896"],
  [{ width: 1280, aspectRatio: "16:9" }, "1280x720 -> 1280x720"],
  [{ height: 720, aspectRatio: "1920x1080" }, "1280x720 -> 1280x720"],
  [{ width: 800 }, "800x800 -> 800x800"],
  [{ width: 800, height: 600, aspectRatio: "1:1" }, "800x608 -> 800x600"],
])("FLUX, asked for %o: %s", ([asked, expected]) => {
  expect(shown(asked, flux)).toBe(expected);
});

test("one side alone is completed in the shape of the workflow's own size", () => {
  expect(shown({ width: 600 }, free)).toBe("600x400 -> 600x400");
  expect(shown({ height: 600 }, free)).toBe("904x600 -> 900x600");
});

test.for<[AskedSize, string]>([
  [{ width: 63, height: 512 }, "width: 63 pixels (from width 63, height 512) cannot be made"],
  [{ width: 512, height: 4097 }, "height: 4097 pixels"],
  [{ width: 512.5, height: 512 }, "width: 512.5 pixels"],
  [{ width: 4096, aspectRatio: "1:2" }, "height: 8192 pixels (from width 4096, aspect_ratio 1:2)"],
  [{ aspectRatio: "100:1" }, "width: 10200 pixels (from aspect_ratio 100:1)"],
  [{ aspectRatio: "5000x5000" }, "width: 5000 pixels"],
  [{ aspectRatio: "0:1" }, '"0:1" is neither a ratio such as 16:9'],
  [{ aspectRatio: "huge" }, "nor one of square, landscape, portrait, wide, tall"],
  [{ aspectRatio: "constructor" }, "is neither a ratio"],
])("%o is refused with %s", ([asked, message]) => {
  expect(() => renderSize(asked, flux)).toThrow(message);
  expect(() => renderSize(asked, flux)).toThrow(AppError);
});

test("any size in the limits is delivered exactly and rendered in whole steps", () => {
  const side = fc.integer({ min: 64, max: 4096 });
  fc.assert(
    fc.property(side, side, fc.constantFrom(flux, sdxl, sd15, free), (width, height, rules) => {
      const { render, deliver } = renderSize({ width, height }, rules);

      expect(deliver).toEqual({ width, height });
      for (const each of [render.width, render.height]) {
        expect(each % rules.multipleOf).toBe(0);
        expect(each).toBeGreaterThan(0);
        expect(each).toBeLessThanOrEqual(4096);
      }
      const most = (rules.native?.most ?? (rules.native?.pixels ?? Infinity) * 1.6) * 1.2;
      const thin = Math.max(width, height) / Math.min(width, height) > 8;
      if (!thin) expect(render.width * render.height).toBeLessThan(most);
    }),
  );
});

test("the native size follows the model file that is used", () => {
  const workflow = sampleWorkflow({
    native: { pixels: 1_048_576, when: [{ model: "v1-5", pixels: 262_144 }] },
  });

  const of = (file: string) => sizeRules(workflow, { "4.ckpt_name": file });

  expect(of("V1-5-pruned.safetensors")).toEqual({
    native: { model: "v1-5", pixels: 262_144 },
    multipleOf: 8,
    defaults: { width: 1024, height: 768 },
  });
  expect(of("sd_xl.safetensors")?.native?.pixels).toBe(1_048_576);
});

test("a workflow without a size of its own has no size rules", () => {
  const workflow = sampleWorkflow({ parameters: { prompt: { slots: ["57:3.text"] } } });

  expect(sizeRules(workflow, {})).toBeUndefined();
});

const fromImage = {
  parameters: { image: { slots: ["10.image"] } },
  input: {
    pixels: 1_048_576,
    multipleOf: 16,
    when: [{ model: "sd15", pixels: 262_144 }],
  },
};

test.for<[string, number]>([
  ["sdxl.safetensors", 1_048_576],
  ["sub/SD15.ckpt", 262_144],
])("with %s input images are scaled to about %i pixels", ([file, pixels]) => {
  expect(inputRules(sampleWorkflow(fromImage), { "4.ckpt_name": file })).toEqual({
    pixels,
    multipleOf: 16,
  });
});

test("an input image goes up as it is where the binding says nothing, by 8 where no multiple", () => {
  const { input, ...silent } = fromImage;
  const { multipleOf: _, ...standard } = input;

  expect(inputRules(sampleWorkflow(silent), {})).toBeUndefined();
  expect(inputRules(sampleWorkflow({ ...silent, input: standard }), {})).toEqual({
    pixels: 1_048_576,
    multipleOf: 8,
  });
});
