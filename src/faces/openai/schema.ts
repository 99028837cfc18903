import { z } from "zod";
import { cut } from "../../words.ts";
import { maxCount, outputFormats } from "../../workflows/request.ts";
import { flag, given, number, text, whole } from "../shared/values.ts";
import { Refused } from "./problems.ts";

/** The fields of OpenAI's images API, and those that others have added to it. */
const fields = z.looseObject({
  model: text,
  prompt: text,
  n: whole(1, maxCount),
  size: text,
  quality: given(z.enum(["auto", "standard", "hd", "low", "medium", "high"])),
  style: text,
  background: given(z.enum(["auto", "opaque", "transparent"])),
  output_format: given(z.enum(outputFormats), (value) => (value === "jpg" ? "jpeg" : value)),
  output_compression: whole(0, 100),
  response_format: given(z.enum(["b64_json", "url"])),
  stream: flag,
  partial_images: whole(0, 3),
  user: text,
  moderation: text,
  input_fidelity: text,
  seed: whole(-1, Number.MAX_SAFE_INTEGER),
  negative_prompt: text,
  steps: whole(0, 1_000),
  guidance_scale: number,
  strength: number,
  sampler: text,
  scheduler: text,
  loras: z.unknown().optional(),
});

export type Fields = z.infer<typeof fields>;

/** Names that several servers have for the same. */
const aliases: Readonly<Record<string, string>> = {
  num_inference_steps: "steps",
  cfg_scale: "guidance_scale",
  guidance: "guidance_scale",
  sampler_name: "sampler",
  num_images: "n",
};

const known: readonly string[] = Object.keys(fields.shape);

export interface Call {
  fields: Fields;
  /** Whatever else came along. */
  others: Record<string, unknown>;
}

/** Throws `Refused`, naming the field, what it was and what is taken. */
export function readFields(body: Readonly<Record<string, unknown>>): Call {
  const named: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const alias = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
    const field = alias ?? name;
    if (!known.includes(field)) others[name] = value;
    else if (alias === undefined || body[alias] === undefined) named[field] = value;
  }
  const read = fields.safeParse(named);
  if (read.success) return { fields: read.data, others };
  const [issue] = read.error.issues;
  const name = String(issue?.path[0] ?? "body");
  const shown = cut(JSON.stringify(named[name]) ?? "", 60);
  throw new Refused(`Invalid value for '${name}': ${shown}. ${issue?.message}.`, name, {
    code: "invalid_value",
  });
}

const mostSide = 8_192;

/** `WIDTHxHEIGHT`; undefined for "auto". Throws `Refused`. */
export function sizeIn(size: string | undefined): { width: number; height: number } | undefined {
  if (size === undefined || size === "auto") return undefined;
  const [, width, height] = /^(\d{1,5})\s*[x×*]\s*(\d{1,5})$/i.exec(size.trim()) ?? [];
  const sides = { width: Number(width), height: Number(height) };
  const isSize = Math.min(...Object.values(sides)) > 0;
  if (isSize && Math.max(...Object.values(sides)) <= mostSide) return sides;
  throw new Refused(
    `Invalid size ${JSON.stringify(cut(size, 30))}: expected WIDTHxHEIGHT, such as 1024x1024, or auto.`,
    "size",
    { code: "invalid_value" },
  );
}
