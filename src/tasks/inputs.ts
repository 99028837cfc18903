import { createHash } from "node:crypto";
import { AppError } from "../errors.ts";
import { readColor } from "../images/color.ts";
import { toPng } from "../images/convert.ts";
import { inspectImage } from "../images/inspect.ts";
import { maskFor } from "../images/mask.ts";
import { paddingForRatio, padForOutpaint } from "../images/pad.ts";
import { scaleInput, scaleTo } from "../images/scale-input.ts";
import type { ImageMimeType } from "../images/sniff.ts";
import type { ImageSources, ResolveOptions } from "../images/source.ts";
import type { Plan } from "../workflows/plan.ts";
import type { TaskRequest } from "../workflows/request.ts";
import type { Size } from "../workflows/sizes.ts";
import { type InputRules, inputRules, parseAspectRatio } from "../workflows/sizes.ts";
import type { Workflow } from "../workflows/workflow.ts";
import type { Finish, InputRecord } from "./task.ts";

const mostPadding = 4_096;

export interface PreparedInputs {
  /** What the caller gave, kept to be seen and used again. */
  inputs: Record<string, InputRecord>;
  /** What goes to ComfyUI, by parameter. */
  uploads: Record<string, InputRecord>;
  /** The exact size of what is handed over. */
  deliver?: Size;
  /** How a picture of another shape is brought to that size; left out, what is over is cut. */
  fit?: "fit";
  finish?: Finish;
  /** Every picture the record names, to be kept once the call is known to be good. */
  pictures: Map<string, { bytes: Buffer; mimeType: ImageMimeType }>;
}

/** Fetches the pictures of a call and makes of them what the workflow's slots take. Keeps none. */
export async function prepareInputs(
  sources: ImageSources,
  reach: ResolveOptions,
  tool: string,
  { workflow, recipe }: Plan,
  request: TaskRequest,
  signal: AbortSignal | undefined,
): Promise<PreparedInputs> {
  const prepared: PreparedInputs = { inputs: {}, uploads: {}, pictures: new Map() };
  const given = await fetchAll(sources, reach, workflow, request, signal);
  for (const [name, { bytes, origin }] of Object.entries(given)) {
    prepared.inputs[name] = await keep(prepared, name, bytes, origin);
  }
  const rules = inputRules(workflow, recipe.files);
  const { image, mask, background, ...others } = given;
  const upload = async (name: string, bytes: Buffer) => {
    prepared.uploads[name] = await keep(prepared, name, bytes, `made from ${name}`);
  };
  for (const [name, { bytes }] of Object.entries(others)) {
    await upload(name, rules ? (await scaleInput(bytes, rules)).image : bytes);
  }
  if (!image) return prepared;
  if (workflow.parameters["mask"]) {
    const edit = await maskedEdit(tool, image.bytes, mask?.bytes, request);
    const scaled = await scalePair(edit, rules);
    await upload("image", scaled.image);
    await upload("mask", scaled.mask);
    const [original, whole] = await Promise.all([
      keep(prepared, "image", edit.image, "what was repainted"),
      keep(prepared, "mask", edit.mask, "where it was repainted"),
    ]);
    prepared.finish = { kind: "keep_unmasked", original, mask: whole };
    const exact = tool === "outpaint" ? sizeIn(request.aspectRatio) : undefined;
    if (exact) prepared.deliver = exact;
    return prepared;
  }
  await upload("image", rules ? (await scaleInput(image.bytes, rules)).image : image.bytes);
  const size = prepared.inputs["image"];
  if (size) Object.assign(prepared, sizeFor(tool, size, request));
  if (request.background !== undefined) {
    prepared.finish = background
      ? {
          kind: "background",
          image: await keep(prepared, "background", background.bytes, background.origin),
        }
      : { kind: "background", color: request.background };
  }
  return prepared;
}

interface Given {
  bytes: Buffer;
  origin: string;
}

async function fetchAll(
  sources: ImageSources,
  reach: ResolveOptions,
  workflow: Workflow,
  request: TaskRequest,
  signal: AbortSignal | undefined,
): Promise<Record<string, Given>> {
  const given: Record<string, Given> = {};
  const wanted: [string, unknown][] = Object.values(workflow.parameters)
    .filter(({ type }) => type === "image")
    .map(({ name }) => [name, request.parameters[name]]);
  if (request.background !== undefined) {
    if (isColor(request.background)) await readColor("background", request.background);
    else wanted.push(["background", request.background]);
  }
  for (const [name, value] of wanted) {
    if (value === undefined) continue;
    if (typeof value !== "string") {
      throw new AppError("invalid_input", `${name}: expected text that says where the image is.`);
    }
    const source = await sources.resolve(name, value, { ...reach, signal });
    given[name] = { bytes: await toPng(source.bytes), origin: source.origin };
  }
  return given;
}

/** What looks like a colour is one; a bare word that is none gets the colours' own refusal. */
function isColor(text: string): boolean {
  return (
    /^#\w*$/.test(text) || /^[a-z]+( [a-z]+)?$/i.test(text) || /^(rgb|hsl|hwb)a?\(/i.test(text)
  );
}

interface Edit {
  image: Buffer;
  mask: Buffer;
}

async function maskedEdit(
  tool: string,
  image: Buffer,
  mask: Buffer | undefined,
  request: TaskRequest,
): Promise<Edit> {
  const { grow, feather } = request;
  if (tool !== "outpaint")
    return { image, mask: (await maskFor(image, mask, { grow, feather })).mask };
  return padForOutpaint(image, { ...(await paddingOf(image, request)), feather });
}

async function paddingOf(image: Buffer, request: TaskRequest) {
  const { left, top, right, bottom, aspectRatio } = request;
  const isGiven = [left, top, right, bottom].some((side) => side !== undefined);
  const padding = isGiven
    ? { left: left ?? 0, top: top ?? 0, right: right ?? 0, bottom: bottom ?? 0 }
    : undefined;
  if (padding && aspectRatio !== undefined) {
    throw new AppError(
      "invalid_input",
      "aspect_ratio: give either it or left, top, right, bottom, not both.",
    );
  }
  if (padding) return padding;
  if (aspectRatio === undefined) {
    throw new AppError(
      "invalid_input",
      "left, top, right, bottom: say by how many pixels to extend the picture, or give aspect_ratio.",
    );
  }
  const size = await inspectImage(image, "image");
  const shape = parseAspectRatio(aspectRatio);
  const added = paddingForRatio(size, "ratio" in shape ? shape.ratio : shape.width / shape.height);
  const most = Math.max(...Object.values(added));
  if (most > 0 && most <= mostPadding) return added;
  const is = `the picture is ${size.width}x${size.height}`;
  throw new AppError(
    "invalid_input",
    `aspect_ratio: ${JSON.stringify(aspectRatio)} ${most === 0 ? `is what it has already; ${is}` : `would add more than ${mostPadding} pixels to a side; ${is}`}.`,
  );
}

async function scalePair(edit: Edit, rules: InputRules | undefined): Promise<Edit> {
  if (!rules) return edit;
  const { image, width, height } = await scaleInput(edit.image, rules);
  return { image, mask: await scaleTo(edit.mask, width, height, "mask") };
}

/** Enlarged by the factor, or to the exact size asked for; one side alone keeps the shape. */
function sizeFor(
  tool: string,
  size: Size,
  { factor = 2, fit, parameters }: TaskRequest,
): Pick<PreparedInputs, "deliver" | "fit"> {
  if (tool !== "upscale") return { deliver: size };
  const width = sideOf(parameters["width"]);
  const height = sideOf(parameters["height"]);
  if (width === undefined && height === undefined) return { deliver: times(size, factor) };
  const scale = (width ?? 0) / size.width || (height ?? 0) / size.height;
  const whole = times(size, scale);
  return {
    deliver: { width: width ?? whole.width, height: height ?? whole.height },
    ...(fit === "fit" && width !== undefined && height !== undefined ? { fit } : {}),
  };
}

/** "1920x1080" is not only a shape to extend to, but the size to hand over. */
function sizeIn(aspectRatio: string | undefined): Size | undefined {
  const shape = aspectRatio === undefined ? undefined : parseAspectRatio(aspectRatio);
  return shape && "width" in shape ? shape : undefined;
}

function sideOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function times({ width, height }: Size, factor: number): Size {
  return { width: Math.round(width * factor), height: Math.round(height * factor) };
}

async function keep(
  { pictures }: PreparedInputs,
  name: string,
  bytes: Buffer,
  origin: string,
): Promise<InputRecord> {
  const { mimeType, width, height } = await inspectImage(bytes, name);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  pictures.set(sha256, { bytes, mimeType });
  return { sha256, mimeType, width, height, origin };
}
