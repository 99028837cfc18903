import { z } from "zod";
import { givenImage } from "./given-image.ts";
import type { Tool } from "./tool.ts";

/** A parameter's schema without what only says that it may be left out. */
export function innerSchema(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap();
  return inner;
}

/**
 * Arguments as they are really sent, made what the schema means: models in strict function calling
 * send null or "" for what they leave out, others quote numbers, booleans and lists, or give one
 * value for a list of one. What cannot be read stays as it is, to be refused by name and value.
 */
export function readArguments(
  { input, pictures = [] }: Pick<Tool, "input" | "pictures">,
  args: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(args)) {
    if (isLeftOut(value)) continue;
    const name = nameOf(key, input, args);
    const schema = Object.hasOwn(input.shape, name) ? input.shape[name] : undefined;
    const named = pictures.includes(name) || name === "background" ? givenImage(value) : value;
    const meant = schema ? readValue(name, innerSchema(schema), named) : named;
    // Other programs say -1 for a random seed, and models have read it there.
    const isRandomSeed = name === "seed" && meant === -1;
    if (!isLeftOut(meant) && !isRandomSeed) read[name] = meant;
  }
  return read;
}

function isLeftOut(value: unknown): boolean {
  return value === null || value === undefined || value === "";
}

/** `aspectRatio` and `aspect-ratio` mean `aspect_ratio`, unless that is given too. */
function nameOf(key: string, input: z.ZodObject, args: object): string {
  if (Object.hasOwn(input.shape, key)) return key;
  const snake = key
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[\s-]+/g, "_")
    .toLowerCase();
  return Object.hasOwn(input.shape, snake) && !Object.hasOwn(args, snake) ? snake : key;
}

function readValue(name: string, schema: z.core.$ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodNumber) return readNumber(value);
  if (schema instanceof z.ZodBoolean) return readBoolean(value);
  if (schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral) {
    return readChoice(choicesOf(schema), value);
  }
  if (schema instanceof z.ZodArray) return readList(name, innerSchema(schema.element), value);
  if (schema instanceof z.ZodString) return readText(name, value);
  return value;
}

/** With a unit too: "512px", "2x", "30 s", "50%". */
function readNumber(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = value.trim();
  if (/^(null|none|undefined|default|auto)$/i.test(text)) return undefined;
  const [, number, unit] =
    /^([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(px|x|s|%)?$/i.exec(text) ?? [];
  if (number === undefined) return value;
  return unit === "%" ? Number(number) / 100 : Number(number);
}

function readBoolean(value: unknown): unknown {
  const word = String(value).trim().toLowerCase();
  if (["true", "yes", "1", "on"].includes(word)) return true;
  if (["false", "no", "0", "off"].includes(word)) return false;
  return ["null", "none"].includes(word) ? undefined : value;
}

/** FLUX.2 reads prompts that are JSON, so an object may be one. */
const mayBeJson: readonly string[] = ["prompt", "negative_prompt"];

function readText(name: string, value: unknown): unknown {
  if (Array.isArray(value) && value.length === 1) return readText(name, value[0]);
  const isObject = typeof value === "object" && !Array.isArray(value);
  if (isObject && mayBeJson.includes(name)) return JSON.stringify(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

function readList(name: string, element: z.core.$ZodType, value: unknown): unknown {
  const list = Array.isArray(value) ? value : listIn(value);
  return list.map((item) => readValue(name, element, weighted(item)));
}

/** A list as JSON, or with commas; anything else is a list of one. */
function listIn(value: unknown): unknown[] {
  if (typeof value !== "string") return [value];
  try {
    const parsed: unknown = JSON.parse(value);
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // Not JSON: a plain name, or several.
  }
  return value
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** `{"name": "detail", "weight": 0.8}`, as some write a LoRA, is "detail:0.8". */
function weighted(item: unknown): unknown {
  if (typeof item !== "object" || item === null) return item;
  const { name, weight, ...others } = item as Record<string, unknown>;
  if (typeof name !== "string" || Object.keys(others).length > 0) return item;
  return weight === undefined || weight === null ? name : `${name}:${String(weight)}`;
}

/** What models say instead of a word that a parameter has. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  jpeg: ["jpg", ".jpg", ".jpeg"],
  png: [".png"],
  webp: [".webp"],
  high: ["quality", "best", "highest", "hd", "slow", "max", "ultra"],
  medium: ["speed", "standard", "normal", "balanced", "default", "auto"],
  low: ["extreme_speed", "fast", "faster", "quick"],
  draft: ["lightning", "fastest", "preview", "sketch", "lowest", "turbo"],
  subtle: ["low", "weak", "slight", "slightly", "small", "little", "minor", "true", "yes"],
  strong: ["high", "big", "heavy", "large", "bold", "major"],
  completed: ["done", "finished", "complete", "success", "succeeded"],
  queued: ["pending", "waiting"],
  running: ["in_progress", "working", "active"],
  failed: ["error", "failure"],
  cancelled: ["canceled", "aborted", "stopped"],
  fill: ["cover", "crop"],
  fit: ["contain", "pad", "letterbox", "inside"],
};

export type Choice = string | number;

export function choicesOf(schema: z.ZodEnum | z.ZodLiteral): Choice[] {
  const all = schema instanceof z.ZodEnum ? schema.options : [...schema.values];
  return all.map((choice) => (typeof choice === "number" ? choice : String(choice)));
}

function readChoice(choices: readonly Choice[], value: unknown): unknown {
  const word = String(value)
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  const same = choices.find((choice) => String(choice).toLowerCase() === word);
  return same ?? choices.find((choice) => synonyms[choice]?.includes(word)) ?? value;
}
