import { z } from "zod";
import { nearest } from "../../words.ts";
import { choicesOf, innerSchema } from "./arguments.ts";
import type { Tool } from "./tool.ts";

/** What is wrong with a call's arguments: once for each, with its name, its value and the way out. */
export function wordIssues(
  tool: Tool,
  issues: readonly z.core.$ZodIssue[],
  args: Readonly<Record<string, unknown>>,
): string[] {
  const names = new Set(issues.flatMap(({ path: [name] }) => (name === undefined ? [] : [name])));
  const unknown = issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
  return [
    ...[...names].map((name) => wordArgument(tool, String(name), args)),
    ...wordUnknown(tool, unknown),
  ];
}

function wordArgument(tool: Tool, name: string, args: Readonly<Record<string, unknown>>): string {
  const schema = tool.input.shape[name];
  const value = Object.hasOwn(args, name) ? args[name] : undefined;
  if (value === undefined || value === null || value === "") {
    return `${name}: missing. ${descriptionOf(schema)}${isPicture(name) ? `. ${pictureInChat}` : ""}`;
  }
  const inner = schema && innerSchema(schema);
  const expected = inner ? expectation(inner) : "something else";
  const way = inner && (isAbove(inner, value) ? ways[name] : nearChoice(inner, value));
  return `${name}: expected ${expected}, got ${shown(value)}.${way === undefined ? "" : ` ${way}`}`;
}

/** Why a model that sees a picture cannot pass it on, and what it can do. */
export const pictureInChat =
  "A picture that is only in the chat does not reach this server: ask for its file path or URL.";

function isPicture(name: string): boolean {
  return name === "image" || name === "mask";
}

function isAbove(schema: z.core.$ZodType, value: unknown): boolean {
  return schema instanceof z.ZodNumber && Number(value) > (schema.maxValue ?? Infinity);
}

/** What to do when the most is too little. */
const ways: Readonly<Record<string, string>> = {
  factor: "To enlarge more, upscale the result again.",
  count: "For more, call again.",
  max_size: "The whole picture is at the place that the answer names.",
  width: "Make it within that, then upscale it.",
  height: "Make it within that, then upscale it.",
};

function expectation(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodNumber) {
    const what = schema.format === "safeint" ? "a whole number" : "a number";
    const { minValue, maxValue } = schema;
    return isLimit(minValue) && isLimit(maxValue)
      ? `${what} from ${minValue} to ${maxValue}`
      : what;
  }
  if (schema instanceof z.ZodBoolean) return "true or false";
  if (isChoice(schema)) return `one of ${choicesOf(schema).join(", ")}`;
  if (schema instanceof z.ZodArray) {
    const { minItems, maxItems } = z.toJSONSchema(schema);
    const least = minItems === undefined ? "" : `, at least ${minItems}`;
    return `a list of texts${least}${maxItems === undefined ? "" : `, at most ${maxItems}`}`;
  }
  return "text";
}

function isLimit(value: number | null): value is number {
  return value !== null && Math.abs(value) <= Number.MAX_SAFE_INTEGER && Math.abs(value) !== 1e9;
}

function isChoice(schema: z.core.$ZodType): schema is z.ZodEnum | z.ZodLiteral {
  return schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral;
}

function nearChoice(schema: z.core.$ZodType, value: unknown): string | undefined {
  if (!isChoice(schema)) return undefined;
  const near = nearest(String(value), choicesOf(schema).map(String));
  return near.length > 0 ? `Did you mean ${near.join(" or ")}?` : undefined;
}

function descriptionOf(schema: z.core.$ZodType | undefined): string {
  return z.globalRegistry.get(schema as z.ZodType)?.description?.replace(/\.$/, "") ?? "";
}

/** What other servers and models call our parameters. */
const otherNames: Readonly<Record<string, string>> = {
  n: "count",
  num_images: "count",
  number_of_images: "count",
  batch_size: "count",
  size: "aspect_ratio",
  resolution: "aspect_ratio",
  ratio: "aspect_ratio",
  text: "prompt",
  description: "prompt",
  instruction: "prompt",
  negative: "negative_prompt",
  cfg: "guidance",
  cfg_scale: "guidance",
  guidance_scale: "guidance",
  num_inference_steps: "steps",
  denoise: "strength",
  denoising_strength: "strength",
  input_image: "image",
  init_image: "image",
  source_image: "image",
  image_path: "image",
  image_url: "image",
  image_id: "image",
  file: "image",
  mask_image: "mask",
  style: "styles",
  lora: "loras",
  checkpoint: "model",
  format: "output_format",
  filename: "save_to",
  output_path: "save_to",
  path: "save_to",
  scale: "factor",
  upscale_factor: "factor",
  background_color: "background",
  id: "task_id",
  ids: "task_ids",
  status: "state",
};

/** A wish that another tool grants, by parameter. */
const elsewhere: Readonly<Record<string, string>> = {
  mask: "inpaint repaints a masked part",
  background: "remove_background puts a colour or picture behind a cut-out",
  transparent: "call remove_background on the result",
  factor: "upscale enlarges",
  width: "upscale with width and height gives an existing picture an exact size",
  height: "upscale with width and height gives an existing picture an exact size",
  aspect_ratio: "outpaint extends a picture to an aspect ratio",
  seed: "only tools that paint anew have one",
};

function wordUnknown(tool: Tool, keys: readonly string[]): string[] {
  const known = Object.keys(tool.input.shape);
  const lines = keys.map((key) => {
    const other = otherNames[key.toLowerCase()];
    const there = elsewhere[key];
    const isOther = other !== undefined && known.includes(other);
    // "height" is spelt right, though a tool may have "right".
    const close = isOther ? [other] : there === undefined ? nearest(key, known) : [];
    if (close.length > 0)
      return `${key}: ${tool.name} has no such parameter. Did you mean ${close.join(" or ")}?`;
    const way = there === undefined ? "Leave it out." : `Leave it out; ${there}.`;
    return `${key}: ${tool.name} has no such parameter. ${way}`;
  });
  const lost = lines.some((line) => line.endsWith("Leave it out."));
  return lost ? [...lines, `${tool.name} takes ${known.join(", ")}.`] : lines;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
