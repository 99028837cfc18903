import { z } from "zod";
import { efforts, parameterTypes, reservedTools } from "./known-parameters.ts";
import { reservedParameters } from "./own-options.ts";

/**
 * The sidecar file that ties parameters to slots (`NAME.binding.json`). Defaults are not in it:
 * they are read from the graph. Beside `parameters` and `outputs` it says:
 *
 * - `native`: the pixel counts the model paints; `input`: the pixel count and the multiple to which
 *   every input image, and its mask alike, is scaled before it is uploaded.
 * - `models`: files the graph needs. With `any` a slot takes whatever the backend has: `match` names
 *   what suits, best first, and `avoid` what does not, by expressions on the file's name.
 * - `model`: the slot whose file the tool's `model` replaces.
 * - `loras`: the outputs between which and their consumers the tool's `loras` are put.
 * - `presets`: what the tool's `quality` sets, by its words; `{}` when the graph is that already.
 * - `guide`: how to prompt it, read by a model: tags or sentences, negative or none, how to edit.
 * - `unlisted`: for calls that know its name and parameters, such as those of another system's clients.
 * - `note`: a warning whenever the workflow is used.
 */

/** Clients put up to 18 characters before a tool's name and refuse more than 64. */
export const longestTool = 46;
const longestGuide = 300;

const line = z.string().trim().min(1);
const oneLine = line.regex(/^[^\n]*$/, "must be one line");
const regex = line.refine(isRegex, "is not a regular expression");
const snakeCase = line.regex(
  /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/,
  "must be snake_case: lower-case letters, digits and single underscores",
);
const value = z.union([z.string(), z.number(), z.boolean()]);

/** A node and the number of its output, as in a link of the graph. */
const output = z.tuple([line, z.int().min(0)], 'must be a node and an output, such as ["4", 0]');

/** By node, in the order of its outputs: the node's input, or the output, that stands in for each. */
const bypass = z.record(line, z.array(z.union([line, output])).min(1));

const parameter = z.strictObject({
  slots: z.array(line).min(1, "needs at least one slot such as 6.text"),
  /** What some slots get is the value times this: half the width in a first pass. */
  times: z.record(line, z.number().positive()).optional(),
  description: line.optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  multipleOf: z.number().positive().optional(),
  choices: z.array(value).min(1).optional(),
  required: z.boolean().optional(),
  /** An optional picture that is not given is taken out of the graph, with what works on it alone. */
  leavesOut: z.boolean().optional(),
  /** Nodes that are bypassed while no parameter that names them here is given. */
  bypass: bypass.optional(),
  type: z.enum(parameterTypes).optional(),
});

/** Bounds left out are half and 1.6 times `pixels`; see `renderSize`. */
const sizeRange = {
  pixels: z.int().positive(),
  least: z.int().positive().optional(),
  most: z.int().positive().optional(),
};

const native = z.strictObject({
  ...sizeRange,
  /** The first entry whose expression matches the chosen model file replaces the sizes above. */
  when: z.array(z.strictObject({ model: regex, ...sizeRange })).optional(),
});

const input = z.strictObject({
  /** Input images are scaled to about this many pixels, up or down. */
  pixels: z.int().positive(),
  multipleOf: z.int().positive().default(8),
  /** The first entry whose expression matches the chosen model file replaces the count above. */
  when: z.array(z.strictObject({ model: regex, pixels: z.int().positive() })).optional(),
});

const model = z
  .strictObject({
    /** A file the graph names. */
    file: line.optional(),
    /** Instead of `file`: a slot that takes whatever model the backend has. */
    slot: line.optional(),
    any: z.literal(true).optional(),
    /** Expressions for files that work in an `any` slot, best first, case-insensitive. */
    match: z.array(regex).min(1).optional(),
    /** Expressions for files that do not work in an `any` slot, case-insensitive. */
    avoid: z.array(regex).optional(),
    /** Below ComfyUI's `models/`. */
    folder: line,
    source: line.optional(),
  })
  .refine(
    (need) => (need.file === undefined) === (need.any === true && need.slot !== undefined),
    'needs either "file", or "slot" with "any": true',
  );

const node = z.strictObject({
  class: line,
  pack: line.optional(),
  source: line.optional(),
});

export const bindingSchema = z.strictObject({
  tool: snakeCase
    .max(longestTool, `is longer than ${longestTool} characters, which clients refuse`)
    .refine(
      (name) => !reservedTools.includes(name),
      "is a tool of the server itself; choose another name",
    ),
  name: line.optional(),
  title: line,
  description: oneLine,
  priority: z.number().default(100),
  note: oneLine.optional(),
  /** In no list and never taken by itself: for calls that name it. */
  unlisted: z.boolean().optional(),
  guide: oneLine.max(longestGuide).optional(),
  native: native.optional(),
  input: input.optional(),
  parameters: z.record(
    snakeCase.refine(
      (name) => !reservedParameters.includes(name),
      "is a parameter of the server itself; choose another name",
    ),
    parameter,
  ),
  outputs: z.array(line).min(1, "must name the node that saves the image"),
  model: z.strictObject({ slot: line }).optional(),
  loras: z.strictObject({ model: output, clip: output.optional() }).optional(),
  presets: z.partialRecord(z.enum(efforts), z.record(line, value)).default({}),
  models: z.array(model).default([]),
  nodes: z.array(node).default([]),
});

export type Binding = z.infer<typeof bindingSchema>;
export type BoundParameter = z.infer<typeof parameter>;
export type Native = z.infer<typeof native>;
export type InputSize = z.infer<typeof input>;
export type ModelNeed = z.infer<typeof model>;
export type NodeNeed = z.infer<typeof node>;
export type OutputRef = z.infer<typeof output>;
export type Bypass = z.infer<typeof bypass>;

/** The binding, or one reason per thing that is wrong with it. */
export function parseBinding(data: unknown): { binding: Binding } | { reasons: string[] } {
  const parsed = bindingSchema.safeParse(data);
  if (parsed.success) return { binding: parsed.data };
  return { reasons: parsed.error.issues.map((issue) => reason(issue, data)) };
}

function reason(issue: z.core.$ZodIssue, data: unknown): string {
  const where = issue.path.join(".");
  const at = where === "" ? "" : `${where}: `;
  switch (issue.code) {
    case "unrecognized_keys":
      return `${at}unknown key ${issue.keys.map((key) => `"${key}"`).join(", ")}; ${where === "presets" ? `the words are ${efforts.join(", ")}` : "remove it"}`;
    case "invalid_key":
      return `${at}the name ${issue.issues[0]?.message ?? "is not allowed"}`;
    default:
      return `${at}${shown(valueAt(data, issue.path))}${issue.message}`;
  }
}

function shown(given: unknown): string {
  return typeof given === "object" || given === undefined ? "" : `${JSON.stringify(given)} `;
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let found: unknown = data;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

function isRegex(source: string): boolean {
  try {
    new RegExp(source, "i");
    return true;
  } catch {
    return false;
  }
}
