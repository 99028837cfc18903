import { z } from "zod";
import { parameterTypes, reservedParameters, reservedTools } from "./known-parameters.ts";

/**
 * The sidecar file that ties parameters to slots (`NAME.binding.json`). Defaults are not in it:
 * they are read from the graph.
 */

const line = z.string().trim().min(1);
const regex = line.refine(isRegex, "is not a regular expression");
const snakeCase = line.regex(
  /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/,
  "must be snake_case: lower-case letters, digits and single underscores",
);

const parameter = z.strictObject({
  slots: z.array(line).min(1, "needs at least one slot such as 6.text"),
  description: line.optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  multipleOf: z.number().positive().optional(),
  choices: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .optional(),
  required: z.boolean().optional(),
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

const model = z
  .strictObject({
    /** A file the graph names. */
    file: line.optional(),
    /** Instead of `file`: a slot that takes whatever model the backend has. */
    slot: line.optional(),
    any: z.literal(true).optional(),
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
  tool: snakeCase.refine(
    (name) => !reservedTools.includes(name),
    "is a tool of the server itself; choose another name",
  ),
  name: line.optional(),
  title: line,
  description: line.regex(/^[^\n]*$/, "must be one line"),
  priority: z.number().default(100),
  native: native.optional(),
  parameters: z.record(
    snakeCase.refine(
      (name) => !reservedParameters.includes(name),
      "is a parameter of the server itself; choose another name",
    ),
    parameter,
  ),
  outputs: z.array(line).min(1, "must name the node that saves the image"),
  models: z.array(model).default([]),
  nodes: z.array(node).default([]),
});

export type Binding = z.infer<typeof bindingSchema>;
export type BoundParameter = z.infer<typeof parameter>;
export type Native = z.infer<typeof native>;
export type ModelNeed = z.infer<typeof model>;
export type NodeNeed = z.infer<typeof node>;

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
      return `${at}unknown key ${issue.keys.map((key) => `"${key}"`).join(", ")}; remove it`;
    case "invalid_key":
      return `${at}the name ${issue.issues[0]?.message ?? "is not allowed"}`;
    default:
      return `${at}${shown(valueAt(data, issue.path))}${issue.message}`;
  }
}

function shown(value: unknown): string {
  return typeof value === "object" || value === undefined ? "" : `${JSON.stringify(value)} `;
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = data;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function isRegex(source: string): boolean {
  try {
    new RegExp(source, "i");
    return true;
  } catch {
    return false;
  }
}
