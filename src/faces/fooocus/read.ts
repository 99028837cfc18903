import { cut, nearest } from "../../words.ts";
import { isRecord } from "../shared/body.ts";
import { type Fault, Unprocessable } from "../shared/fastapi.ts";
import { type Field, type FieldName, fieldOf, fields } from "./fields.ts";

/** A call as it was given: what is missing was not said. */
export type Values = Partial<Record<FieldName, unknown>>;

export interface Read {
  values: Values;
  warnings: string[];
}

/** Words that clients leave in a field for a picture that they have none for. */
export const noPicture = /^(|none|null|string)$/i;
const yes = /^(true|t|yes|y|on|1)$/i;
const no = /^(false|f|no|n|off|0)$/i;

/**
 * Reads a call as Pydantic does: numbers and booleans come as text too, unknown keys pass. Throws
 * `Unprocessable` with every fault.
 */
export function readCall(body: unknown): Read {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Unprocessable([
      fault("model_attributes_type", [], "Input should be an object", body),
    ]);
  }
  const faults: Fault[] = [];
  const values: Values = {};
  const warnings: string[] = [];
  for (const [name, given] of Object.entries(body)) {
    const field = fieldOf(name);
    if (!field) {
      warnings.push(unknownField(name));
      continue;
    }
    const read = readValue(field, given);
    if ("fault" in read) faults.push(fault(read.fault, [name], read.msg, given, read.ctx));
    else if (read.value !== undefined) values[name as FieldName] = read.value;
  }
  if (faults.length > 0) throw new Unprocessable(faults);
  return { values, warnings };
}

type ReadValue = { value: unknown } | { fault: string; msg: string; ctx?: Record<string, unknown> };

function readValue(field: Field, given: unknown): ReadValue {
  if (given === null) return { value: undefined };
  switch (field.type) {
    case "text":
      return readText(field, given);
    case "image":
      return readPicture(given);
    case "boolean":
      return readFlag(given);
    case "integer":
    case "number":
      return readNumber(field, given);
    case "texts":
      return readTexts(field, given);
    case "integers":
      return readIntegers(given);
    case "list":
      return Array.isArray(given) && given.every(isRecord)
        ? { value: given }
        : { fault: "list_type", msg: "Input should be a valid list of objects" };
  }
}

function readText({ choices }: Field, given: unknown): ReadValue {
  if (typeof given !== "string") {
    return { fault: "string_type", msg: "Input should be a valid string" };
  }
  if (!choices || choices.includes(given)) return { value: given };
  const expected = choices.map((choice) => `'${choice}'`).join(" or ");
  return { fault: "enum", msg: `Input should be ${expected}`, ctx: { expected } };
}

function readPicture(given: unknown): ReadValue {
  if (typeof given !== "string") {
    return { fault: "string_type", msg: "Input should be a valid string" };
  }
  return { value: noPicture.test(given.trim()) ? undefined : given };
}

function readFlag(given: unknown): ReadValue {
  if (typeof given === "boolean") return { value: given };
  const word = typeof given === "number" || typeof given === "string" ? String(given) : "";
  if (yes.test(word)) return { value: true };
  if (no.test(word)) return { value: false };
  return { fault: "bool_parsing", msg: "Input should be a valid boolean" };
}

function readNumber({ type, minimum, maximum }: Field, given: unknown): ReadValue {
  const isText =
    typeof given === "string" && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(given);
  const value = isText || typeof given === "number" ? Number(given) : Number.NaN;
  const kind = type === "integer" ? "int" : "float";
  if (!Number.isFinite(value) || (type === "integer" && !Number.isInteger(value))) {
    const what = type === "integer" ? "integer" : "number";
    return { fault: `${kind}_parsing`, msg: `Input should be a valid ${what}` };
  }
  if (minimum !== undefined && value < minimum) {
    const msg = `Input should be greater than or equal to ${minimum}`;
    return { fault: "greater_than_equal", msg, ctx: { ge: minimum } };
  }
  if (maximum !== undefined && value > maximum) {
    const msg = `Input should be less than or equal to ${maximum}`;
    return { fault: "less_than_equal", msg, ctx: { le: maximum } };
  }
  return { value };
}

function readTexts({ choices }: Field, given: unknown): ReadValue {
  if (!Array.isArray(given) || !given.every((each) => typeof each === "string")) {
    return { fault: "list_type", msg: "Input should be a valid list of strings" };
  }
  const strange = choices && given.find((each) => !choices.includes(each));
  if (strange === undefined) return { value: given };
  const expected = choices?.map((choice) => `'${choice}'`).join(" or ");
  return { fault: "enum", msg: `Input should be ${expected}`, ctx: { expected } };
}

function readIntegers(given: unknown): ReadValue {
  const numbers = Array.isArray(given) ? given.map(Number) : [];
  return Array.isArray(given) && numbers.every(Number.isInteger)
    ? { value: numbers }
    : { fault: "list_type", msg: "Input should be a valid list of integers" };
}

export function fault(
  type: string,
  at: (string | number)[],
  msg: string,
  input: unknown,
  ctx?: Record<string, unknown>,
): Fault {
  const shown = typeof input === "string" ? cut(input) : input;
  return { type, loc: ["body", ...at], msg, input: shown ?? null, ...(ctx ? { ctx } : {}) };
}

function unknownField(name: string): string {
  const [near] = nearest(name, Object.keys(fields), 1);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  return `${cut(name, 60)} has no effect: there is no such parameter.${hint}`;
}
