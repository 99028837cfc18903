import { z } from "zod";
import type { Catalog } from "../../workflows/catalog.ts";
import { mostLoras } from "../../workflows/loras.ts";
import { descriptionOf, type OwnOption, ownOptionsOf } from "../../workflows/own-options.ts";
import { maxSeed } from "../../workflows/request.ts";
import { type ToolParameter, toolOptions, toolParameters } from "../../workflows/schema.ts";

type Shape = Record<string, z.ZodType>;

/** The arguments of an image tool: what its workflows take, then what the server does itself. */
export function imageToolSchema(catalog: Catalog, tool: string, waitSeconds: number): z.ZodObject {
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
  return z.strictObject(shape);
}

export function waitSchema(standard: number): z.ZodType {
  return z.number().min(0).max(3600).default(standard).describe("Seconds to wait; 0: none");
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
  return parameter.required && !(tool === "inpaint" && parameter.name === "mask")
    ? schema
    : schema.optional();
}

function valueSchema(parameter: ToolParameter): z.ZodType {
  if (parameter.name === "seed") return z.int().min(0).max(maxSeed);
  const { type, choices, minimum, maximum } = parameter;
  if (choices && choices.length > 0) return z.enum(choices.map(String) as [string, ...string[]]);
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

/** Said in full for `generate_image`; a model that reads the list has read it there. */
const briefly: Readonly<Record<string, string>> = {
  negative_prompt: "What to keep out, where the model can",
  image: "File path, URL, data URI, or an image or task id",
  mask: "Like image: white is repainted. Left out, what is transparent in image is",
  strength: "How much to change: 0 keeps, 1 ignores it",
  seed: "Default random",
  steps: "Sampling steps",
  guidance: "How closely to follow the prompt",
  sampler: "ComfyUI sampler",
  scheduler: "ComfyUI scheduler",
  model: "Another model file",
  loras: 'LoRA files, "name:weight"',
  quality: "Effort; sets steps",
};
