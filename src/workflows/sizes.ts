import { AppError } from "../errors.ts";
import type { Native } from "./binding.ts";
import { sideLimits } from "./known-parameters.ts";
import type { Workflow } from "./workflow.ts";

export interface Size {
  width: number;
  height: number;
}

export interface AskedSize {
  width?: number | undefined;
  height?: number | undefined;
  /** "16:9", a word of `namedRatios`, or a size such as "1920x1080" or "1920*1080". */
  aspectRatio?: string | undefined;
}

/** How large a model paints by itself. */
export interface NativeSize {
  /** What it likes best, and what it paints when no size is asked for. */
  pixels: number;
  /** Fewer are painted at this count; unset, under half of `pixels` are painted at `pixels`. */
  least?: number | undefined;
  /** More are painted at this count; unset, over 1.6 times `pixels` are painted at `pixels`. */
  most?: number | undefined;
}

export interface SizeRules {
  native?: NativeSize | undefined;
  /** Rendered sides are multiples of it. */
  multipleOf: number;
  /** The size in the graph. */
  defaults: Size;
}

/** `render` goes into the graph; the picture is then brought to `deliver`. */
export interface RenderSize {
  render: Size;
  deliver: Size;
}

export const namedRatios: Readonly<Record<string, string>> = {
  square: "1:1",
  landscape: "4:3",
  portrait: "3:4",
  wide: "16:9",
  tall: "9:16",
};

/** Undefined for a workflow whose size follows from its input image. */
export function sizeRules(
  workflow: Workflow,
  choices: Readonly<Record<string, string>>,
): SizeRules | undefined {
  const { width, height } = workflow.parameters;
  if (!width || !height) return undefined;
  const native = workflow.native && nativeSize(workflow.native, Object.values(choices));
  return {
    ...(native && { native }),
    multipleOf: Math.max(width.multipleOf ?? 8, height.multipleOf ?? 8),
    defaults: { width: Number(width.default ?? 1024), height: Number(height.default ?? 1024) },
  };
}

function nativeSize(native: Native, files: readonly string[]): NativeSize {
  return native.when?.find(isForOneOf(files)) ?? native;
}

function isForOneOf(files: readonly string[]): (entry: { model: string }) => boolean {
  return ({ model }) => {
    const pattern = new RegExp(model, "i");
    return files.some((file) => pattern.test(file));
  };
}

export interface InputRules {
  pixels: number;
  multipleOf: number;
}

/** Undefined for a workflow whose input images are sent as they are. */
export function inputRules(
  { input }: Workflow,
  choices: Readonly<Record<string, string>>,
): InputRules | undefined {
  if (!input) return undefined;
  const { pixels } = input.when?.find(isForOneOf(Object.values(choices))) ?? input;
  return { pixels, multipleOf: input.multipleOf };
}

/** What to render and what to deliver. Sides that were asked for are delivered exactly. */
export function renderSize(asked: AskedSize, rules: SizeRules): RenderSize {
  const { native, multipleOf, defaults } = rules;
  const wanted = wantedSize(asked, rules);
  if (!("width" in wanted)) {
    const pixels = native?.pixels ?? defaults.width * defaults.height;
    const deliver = exactly(wanted.ratio, pixels, multipleOf);
    check(deliver, asked);
    const render = {
      width: ceil(deliver.width, multipleOf),
      height: ceil(deliver.height, multipleOf),
    };
    return { render, deliver };
  }
  check(wanted, asked);
  const pixels = native ? paintedPixels(wanted.width * wanted.height, native) : undefined;
  const render =
    pixels === undefined
      ? { width: ceil(wanted.width, multipleOf), height: ceil(wanted.height, multipleOf) }
      : scaled(wanted, pixels, multipleOf);
  return { render, deliver: wanted };
}

/** The pixel count to paint instead of the asked one; undefined when the model paints that. */
function paintedPixels(asked: number, native: NativeSize): number | undefined {
  if (asked < (native.least ?? native.pixels * 0.5)) return native.least ?? native.pixels;
  if (asked > (native.most ?? native.pixels * 1.6)) return native.most ?? native.pixels;
  return undefined;
}

function wantedSize(asked: AskedSize, { defaults }: SizeRules): Size | { ratio: number } {
  const { width, height } = asked;
  if (width !== undefined && height !== undefined) return { width, height };
  const shape =
    asked.aspectRatio === undefined
      ? { ratio: defaults.width / defaults.height }
      : parseAspectRatio(asked.aspectRatio);
  const ratio = "ratio" in shape ? shape.ratio : shape.width / shape.height;
  if (width !== undefined) return { width, height: Math.round(width / ratio) };
  if (height !== undefined) return { width: Math.round(height * ratio), height };
  return shape;
}

/** A pair of sides large enough to be a picture is a size, anything else only a ratio. */
export function parseAspectRatio(text: string): Size | { ratio: number } {
  const word = text.trim().toLowerCase();
  const spelled = Object.hasOwn(namedRatios, word) ? namedRatios[word] : word;
  const match = /^(\d+(?:\.\d+)?)\s*([:/x×*])\s*(\d+(?:\.\d+)?)$/.exec(spelled ?? word);
  const [width, height] = [Number(match?.[1]), Number(match?.[3])];
  if (!match || !(width > 0 && height > 0)) {
    throw new AppError(
      "invalid_input",
      `aspect_ratio: "${text.slice(0, 40)}" is neither a ratio such as 16:9, a size such as 1920x1080, nor one of ${Object.keys(namedRatios).join(", ")}.`,
    );
  }
  const isSize = Math.min(width, height) >= sideLimits.minimum && !":/".includes(match[2] ?? "");
  return isSize
    ? { width: Math.round(width), height: Math.round(height) }
    : { ratio: width / height };
}

/** How far the count of pixels may be from the model's own for the sake of the exact shape. */
const leastShare = 0.8;
/** A side within this of one that needs no cutting is that one. */
const nearby = 0.03;

/**
 * The size of exactly this shape with about this many pixels: for 16:9 and a million, 1360x765.
 * A shape of two large numbers, such as 1000:999, is met to the nearest pixel.
 */
function exactly(ratio: number, pixels: number, multipleOf: number): Size {
  const [across, down] = fraction(ratio);
  const exact = Math.sqrt(pixels / (across * down));
  const step = multipleOf / common(multipleOf, common(across, down));
  const uncut = Math.round(exact / step) * step;
  const times = Math.abs(uncut / exact - 1) <= nearby ? uncut : Math.round(exact);
  const size = { width: across * times, height: down * times };
  const share = (size.width * size.height) / pixels;
  if (share >= leastShare && share <= 1 / leastShare) return size;
  return {
    width: Math.round(Math.sqrt(pixels * ratio)),
    height: Math.round(Math.sqrt(pixels / ratio)),
  };
}

/** The ratio as two small whole numbers, as near as numbers below a few thousand come. */
function fraction(ratio: number): [number, number] {
  let [a, b, c, d] = [0, 1, 1, 0];
  let rest = ratio;
  while (c < 4_000 && d < 4_000) {
    const whole = Math.floor(rest);
    [a, b, c, d] = [c, d, a + whole * c, b + whole * d];
    if (Math.abs(c / d - ratio) < 1e-9 * ratio || rest === whole) return [c, d];
    rest = 1 / (rest - whole);
  }
  return [a, b];
}

function common(a: number, b: number): number {
  return b === 0 ? a : common(b, a % b);
}

/** The same shape with about this many pixels, its longer side within what can be painted. */
function scaled({ width, height }: Size, pixels: number, multipleOf: number): Size {
  const factor = Math.min(
    Math.sqrt(pixels / (width * height)),
    sideLimits.maximum / Math.max(width, height),
  );
  return {
    width: nearestMultiple(width * factor, multipleOf),
    height: nearestMultiple(height * factor, multipleOf),
  };
}

function check(size: Size, { width, height, aspectRatio }: AskedSize): void {
  const { minimum, maximum } = sideLimits;
  for (const [name, side] of Object.entries(size)) {
    if (Number.isInteger(side) && side >= minimum && side <= maximum) continue;
    const asked = [
      width === undefined ? [] : [`width ${width}`],
      height === undefined ? [] : [`height ${height}`],
      aspectRatio === undefined ? [] : [`aspect_ratio ${aspectRatio}`],
    ].flat();
    throw new AppError(
      "invalid_input",
      `${name}: ${side} pixels (from ${asked.join(", ")}) cannot be made; sides are whole numbers from ${minimum} to ${maximum}.`,
    );
  }
}

function ceil(side: number, multipleOf: number): number {
  return Math.ceil(side / multipleOf) * multipleOf;
}

function nearestMultiple(side: number, multipleOf: number): number {
  return Math.max(multipleOf, Math.round(side / multipleOf) * multipleOf);
}
