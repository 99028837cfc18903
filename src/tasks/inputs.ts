import { createHash } from "node:crypto";
import { AppError } from "../errors.ts";
import { flattenForComfy } from "../images/alpha.ts";
import { readColor } from "../images/color.ts";
import { toPng } from "../images/convert.ts";
import { inspectImage } from "../images/inspect.ts";
import { maskFor } from "../images/mask.ts";
import type { ResultMimeType } from "../images/media.ts";
import { paddingForRatio, padForOutpaint } from "../images/pad.ts";
import { scaleInput, scaleTo } from "../images/scale-input.ts";
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
  pictures: Map<string, { bytes: Buffer; mimeType: ResultMimeType }>;
  /** What could not be done with them. */
  notes: string[];
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
  const prepared: PreparedInputs = { inputs: {}, uploads: {}, pictures: new Map(), notes: [] };
  const given = await fetchAll(sources, reach, workflow, request, signal);
  for (const [name, { bytes, origin }] of Object.entries(given)) {
    prepared.inputs[name] = await keep(prepared, name, bytes, origin);
  }
  const rules = inputRules(workflow, recipe.files);
  const { image, background, ...others } = given;
  // A mask that does not say where to repaint is a picture like others.
  const { mask } = workflow.repaints ? others : {};
  if (workflow.repaints) delete others["mask"];
  const upload = async (name: string, bytes: Buffer) => {
    prepared.uploads[name] = await keep(prepared, name, bytes, `made from ${name}`);
  };
  const scaledTo = async (bytes: Buffer) =>
    rules ? (await scaleInput(bytes, rules)).image : bytes;
  for (const [name, { bytes }] of Object.entries(others)) {
    const isMask = name === "mask";
    await upload(name, await scaledTo(isMask ? bytes : (await flattenForComfy(bytes)).image));
  }
  if (!image) return prepared;
  if (workflow.repaints) {
    const edit = await maskedEdit(tool, image.bytes, mask?.bytes, request);
    if (tool === "outpaint" && (await flattenForComfy(image.bytes)).hadAlpha) {
      prepared.notes.push("The transparent parts of image are white in the result.");
    }
    const scaled = await scalePair(edit, rules);
    await upload("image", scaled.image);
    await upload("mask", scaled.mask);
    // A graph that changes the size makes a picture of its own, with nothing to lay back.
    if (workflow.keepsSize) prepared.finish = await unmaskedRest(prepared, edit);
    return { ...prepared, ...exactSize(tool, undefined, request) };
  }
  const flat = await flattenForComfy(image.bytes);
  await upload("image", await scaledTo(flat.image));
  const factor = resultFactor(tool, workflow, request);
  const original = prepared.inputs["image"];
  if (original) keepShape(prepared, original, factor, flat.hadAlpha);
  if (request.background !== undefined) {
    prepared.finish = await behind(prepared, background, request.background);
  }
  return { ...prepared, ...exactSize(tool, original, request) };
}

/** Size and transparency of the result where they are those of the picture that was given. */
function keepShape(
  prepared: PreparedInputs,
  original: InputRecord,
  factor: number | undefined,
  hadAlpha: boolean,
): void {
  if (factor !== undefined) prepared.deliver = times(original, factor);
  if (!hadAlpha) return;
  if (factor !== undefined) prepared.finish = { kind: "keep_alpha", original };
  else prepared.notes.push("The transparency of image is not in the result, whose shape is new.");
}

async function behind(
  prepared: PreparedInputs,
  picture: Given | undefined,
  color: string,
): Promise<Finish> {
  if (!picture) return { kind: "background", color };
  const { bytes, origin } = picture;
  return { kind: "background", image: await keep(prepared, "background", bytes, origin) };
}

/** How many times the image's size the result has; undefined where the graph decides. */
function resultFactor(tool: string, workflow: Workflow, request: TaskRequest): number | undefined {
  if (tool === "upscale") return request.factor ?? 2;
  return workflow.keepsSize ? 1 : undefined;
}

/** What is laid over the result outside the mask. */
async function unmaskedRest(prepared: PreparedInputs, edit: Edit): Promise<Finish> {
  const [original, mask] = await Promise.all([
    keep(prepared, "image", edit.image, "what was repainted"),
    keep(prepared, "mask", edit.mask, "where it was repainted"),
  ]);
  return { kind: "keep_unmasked", original, mask };
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

/** The exact size asked for, if one was; one side alone keeps the shape. */
function exactSize(
  tool: string,
  size: Size | undefined,
  { fit, parameters, aspectRatio }: TaskRequest,
): Pick<PreparedInputs, "deliver" | "fit"> {
  if (tool === "outpaint") return sizeIn(aspectRatio);
  if (tool !== "upscale" || !size) return {};
  const width = sideOf(parameters["width"]);
  const height = sideOf(parameters["height"]);
  if (width === undefined && height === undefined) return {};
  const scale = (width ?? 0) / size.width || (height ?? 0) / size.height;
  const whole = times(size, scale);
  return {
    deliver: { width: width ?? whole.width, height: height ?? whole.height },
    ...(fit === "fit" && width !== undefined && height !== undefined ? { fit } : {}),
  };
}

/** "1920x1080" is not only a shape to extend to, but the size to hand over. */
function sizeIn(aspectRatio: string | undefined): { deliver?: Size } {
  const shape = aspectRatio === undefined ? undefined : parseAspectRatio(aspectRatio);
  return shape && "width" in shape ? { deliver: shape } : {};
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
