import { z } from "zod";
import { maxCount, maxSeed } from "../../tasks/request.ts";
import { outputFormats } from "../../tasks/task.ts";
import type { Catalog } from "../../workflows/catalog.ts";
import { efforts, effortWords } from "../../workflows/known-parameters.ts";
import { mostLoras } from "../../workflows/loras.ts";
import { type ToolParameter, toolOptions, toolParameters } from "../../workflows/schema.ts";
import type { Value } from "../../workflows/workflow.ts";

type Shape = Record<string, z.ZodType>;

export interface ImageToolSchema {
  input: z.ZodObject;
  /** The parameters that hold a picture. */
  pictures: string[];
  /** Said at `generate_image` for all. */
  unlisted: string[];
}

/** The arguments of an image tool: what its workflows take, then what the server does itself. */
export function imageToolSchema(
  catalog: Catalog,
  tool: string,
  waitSeconds: number,
): ImageToolSchema {
  const parameters = toolParameters(catalog, tool);
  const has = (name: string) => parameters.some((parameter) => parameter.name === name);
  const options = toolOptions(catalog, tool);
  const shape: Shape = {};
  for (const parameter of [...parameters, ...options]) {
    if (tool === "outpaint" && parameter.name === "mask") continue;
    shape[parameter.name] = parameterSchema(tool, parameter);
  }
  Object.assign(shape, own[tool]?.());
  const pictures = parameters.filter(({ name, type }) => type === "image" && name in shape);
  if (has("width") && has("height")) shape["aspect_ratio"] = aspectRatio();
  if (has("prompt") && tool !== "upscale") shape["styles"] = styles(tool);
  if (has("seed") && tool !== "upscale") {
    shape["count"] = z
      .int()
      .min(1)
      .max(maxCount)
      .optional()
      .describe("Pictures, each with the next seed");
  }
  const input = z.strictObject({
    ...shape,
    workflow: z.string().optional().describe("Default: the first that can run"),
    output_format: z.enum(outputFormats).optional().describe("Default png"),
    save_to: z.string().optional().describe("File or folder to put it in too"),
    overwrite: z.boolean().optional().describe("Let save_to replace files"),
    wait_seconds: waitSchema(waitSeconds),
    previews: previewsSchema(),
    webhook_url: z.string().optional().describe("Gets the task's events"),
  });
  return {
    input,
    pictures: pictures.map(({ name }) => name),
    unlisted: tool === "generate_image" ? [] : ["previews"],
  };
}

export function previewsSchema(): z.ZodType {
  return z.boolean().optional().describe("false: answer in text alone; any image tool takes it");
}

export function waitSchema(standard: number): z.ZodType {
  return z.number().min(0).max(3600).default(standard).describe("Seconds to wait, 0-3600");
}

/** What the server does around ComfyUI, by tool. */
const own: Record<string, () => Shape> = {
  img2img: () => ({
    vary: z
      .enum(["subtle", "strong"])
      .optional()
      .describe("A variation of image, instead of strength; prompt may be left out"),
  }),
  inpaint: () => ({
    grow: z.int().min(-256).max(256).optional().describe("Pixels the mask grows (default 0)"),
    feather: z.int().min(0).max(256).optional().describe("Pixels its edge fades over (default 0)"),
  }),
  outpaint: () => ({
    ...Object.fromEntries(
      ["left", "top", "right", "bottom"].map((side) => [
        side,
        z.int().min(0).max(4096).optional().describe("Pixels to add there"),
      ]),
    ),
    aspect_ratio: z.string().optional().describe('Instead of sides: "16:9", "square", …'),
    feather: z.int().min(0).max(256).optional().describe("Pixels the seam fades over (default 24)"),
  }),
  upscale: () => ({
    factor: z.number().min(1.5).max(4).optional().describe("Times width and height (default 2)"),
    ...Object.fromEntries(
      ["width", "height"].map((side) => [
        side,
        z.int().min(16).max(8192).optional().describe("Exact pixels, instead of factor"),
      ]),
    ),
    fit: z
      .enum(["fill", "fit"])
      .optional()
      .describe("In another shape: fill cuts (default), fit adds bars; outpaint extends"),
  }),
  remove_background: () => ({
    background: z.string().optional().describe("Colour or image to put behind (default none)"),
  }),
};

function aspectRatio(): z.ZodType {
  return z.string().optional().describe('Instead of width and height: "16:9", "square", …');
}

function styles(tool: string): z.ZodType {
  const example = tool === "generate_image" ? ', e.g. "watercolor"; list_workflows shows them' : "";
  return z.array(z.string()).max(8).optional().describe(`Style names${example}`);
}

function parameterSchema(tool: string, parameter: ToolParameter): z.ZodType {
  const brief = tool === "generate_image" ? undefined : briefly[parameter.name];
  const schema = valueSchema(parameter).describe(brief ?? parameter.description);
  return parameter.required && !mayBeLeftOut[tool]?.includes(parameter.name)
    ? schema
    : schema.optional();
}

/** What every workflow of the tool needs and the server can find by itself. */
const mayBeLeftOut: Readonly<Record<string, readonly string[]>> = {
  inpaint: ["mask"],
  img2img: ["prompt"],
};

/** Their limits differ by workflow; the one that is chosen says its own. */
const limitedByWorkflow: readonly string[] = ["steps", "guidance"];

function valueSchema(parameter: ToolParameter): z.ZodType {
  if (parameter.name === "seed") return z.int().min(0).max(maxSeed);
  const { type, choices } = parameter;
  if (parameter.name === "quality" && choices) return qualitySchema(choices);
  if (choices && choices.length > 0) return choiceSchema(choices);
  const { minimum, maximum } = limitedByWorkflow.includes(parameter.name)
    ? {}
    : (parameter as Pick<ToolParameter, "minimum" | "maximum">);
  switch (type) {
    case "loras":
      return z.array(z.string()).max(mostLoras);
    case "boolean":
      return z.boolean();
    case "integer":
    case "number": {
      const number = type === "integer" ? z.int() : z.number();
      return number.min(minimum ?? -1e9).max(maximum ?? 1e9);
    }
    default:
      return parameter.required ? z.string().min(1) : z.string();
  }
}

function choiceSchema(choices: readonly Value[]): z.ZodType {
  const numbers = choices.filter((choice) => typeof choice === "number");
  if (numbers.length === choices.length) return z.literal(numbers);
  return z.enum(choices.map(String) as [string, ...string[]]);
}

function qualitySchema(choices: readonly Value[]): z.ZodType {
  const words = efforts
    .filter((effort) => choices.includes(effort))
    .map((effort) => effortWords[effort]);
  return z.enum(words as [string, ...string[]]);
}

/** The word of the bindings for what `quality` is called here. */
export function effortCalled(word: unknown): string | undefined {
  return efforts.find((effort) => effortWords[effort] === word);
}

/** Said in full for `generate_image`; a model that reads the list has read it there. */
const briefly: Readonly<Record<string, string>> = {
  negative_prompt: "What to keep out, where the model can",
  image: "File path, URL, data URI, or an image or task id",
  mask: "Like image: white is repainted. Left out, what is transparent in image is",
  strength: "How much to change: 0.3 a little, 1 all",
  seed: "Default random",
  steps: "Sampling steps",
  guidance: "How closely to follow the prompt",
  sampler: "ComfyUI sampler",
  scheduler: "ComfyUI scheduler",
  model: "Model file or family",
  loras: 'LoRA files, "name:weight"',
  quality: "Detail; sets steps",
};
