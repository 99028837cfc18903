import { z } from "zod";
import { maxCount, maxSeed } from "../../tasks/request.ts";
import { outputFormats } from "../../tasks/task.ts";
import type { Catalog } from "../../workflows/catalog.ts";
import { mostLoras } from "../../workflows/loras.ts";
import { type ToolParameter, toolOptions, toolParameters } from "../../workflows/schema.ts";

type Shape = Record<string, z.ZodType>;

/** The arguments of an image tool: what its workflows take, then what the server does itself. */
export function imageToolSchema(catalog: Catalog, tool: string, waitSeconds: number): z.ZodObject {
  const parameters = toolParameters(catalog, tool);
  const has = (name: string) => parameters.some((parameter) => parameter.name === name);
  const options = toolOptions(catalog, tool);
  const shape: Shape = {};
  for (const parameter of [...parameters, ...options]) {
    if (tool === "outpaint" && parameter.name === "mask") continue;
    shape[parameter.name] = parameterSchema(tool, parameter);
  }
  Object.assign(shape, own[tool]?.());
  if (has("width") && has("height")) shape["aspect_ratio"] = aspectRatio();
  if (has("prompt")) shape["styles"] = styles(tool);
  if (has("seed")) {
    shape["count"] = z
      .int()
      .min(1)
      .max(maxCount)
      .optional()
      .describe("Pictures, each with the next seed");
  }
  return z.strictObject({
    ...shape,
    workflow: z.string().optional().describe("Default: the first that can run"),
    output_format: z.enum(outputFormats).optional().describe("Default png"),
    save_to: z.string().optional().describe("File or folder to put it in too"),
    overwrite: z.boolean().optional().describe("Let save_to replace files"),
    wait_seconds: waitSchema(waitSeconds),
    webhook_url: z.string().optional().describe("Gets the task's events"),
  });
}

export function waitSchema(standard: number): z.ZodType {
  return z.number().min(0).max(3600).default(standard).describe("Seconds to wait; 0: none");
}

/** What the server does around ComfyUI, by tool. */
const own: Record<string, () => Shape> = {
  img2img: () => ({
    vary: z.enum(["subtle", "strong"]).optional().describe("Instead of strength: a variation"),
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
  }),
  remove_background: () => ({
    background: z.string().optional().describe("Colour or image to put behind (default none)"),
  }),
};

function aspectRatio(): z.ZodType {
  return z.string().optional().describe('Instead of width and height: "16:9", "square", …');
}

function styles(tool: string): z.ZodType {
  const example =
    tool === "generate_image"
      ? ', e.g. "watercolor", "cinematic"; a wrong name lists near ones'
      : "";
  return z.array(z.string()).max(8).optional().describe(`Style names${example}`);
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
