import { z } from "zod";
import type { Catalog } from "../../workflows/catalog.ts";
import { efforts, effortWords } from "../../workflows/known-parameters.ts";
import { mostLoras } from "../../workflows/loras.ts";
import {
  descriptionOf,
  type OwnOption,
  ownOptions,
  ownOptionsOf,
} from "../../workflows/own-options.ts";
import { maxSeed } from "../../workflows/request.ts";
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
  const options = toolOptions(catalog, tool);
  const shape: Shape = {};
  for (const parameter of [...parameters, ...options]) {
    if (tool === "outpaint" && parameter.name === "mask") continue;
    shape[parameter.name] = parameterSchema(tool, parameter);
  }
  for (const [name, option] of ownOptionsOf(tool, Object.keys(shape))) {
    shape[name] =
      name === "wait_seconds" ? waitSchema(waitSeconds) : optionSchema(option, tool).optional();
  }
  const pictures = parameters.filter(({ name, type }) => type === "image" && name in shape);
  return {
    input: z.strictObject(shape),
    pictures: pictures.map(({ name }) => name),
    unlisted: tool === "generate_image" ? [] : ["previews"],
  };
}

export function waitSchema(standard: number): z.ZodType {
  const { minimum, maximum, description } = ownOptions.wait_seconds;
  return z.number().min(minimum).max(maximum).default(standard).describe(description);
}

export function previewsSchema(): z.ZodType {
  return optionSchema(ownOptions.previews, "").optional();
}

function optionSchema(option: OwnOption, tool: string): z.ZodType {
  return typeSchema(option).describe(descriptionOf(option, tool));
}

function typeSchema({ type, choices, minimum = -1e9, maximum = 1e9 }: OwnOption): z.ZodType {
  switch (type) {
    case "boolean":
      return z.boolean();
    case "integer":
      return z.int().min(minimum).max(maximum);
    case "number":
      return z.number().min(minimum).max(maximum);
    case "strings":
      return z.array(z.string()).max(maximum);
    default:
      return choices ? z.enum(choices as [string, ...string[]]) : z.string();
  }
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
