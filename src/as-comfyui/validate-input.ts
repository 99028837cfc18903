import type { InputSpec, ValidationError } from "../comfy/protocol.ts";
import { bool, float, int, PythonError, repr, str } from "./python.ts";
import { atLeast } from "./version.ts";

export interface CheckedInput {
  name: string;
  spec: InputSpec;
  value: unknown;
  /** What `value` stands for, where it is too large for a number. */
  exact?: bigint | undefined;
}

/** A whole number written as text that no number here can hold; ComfyUI's seeds go up to 2^64 - 1. */
export function exactInteger(given: unknown, converted: unknown): bigint | undefined {
  if (typeof given !== "string" || typeof converted !== "number") return undefined;
  if (!Number.isInteger(converted) || Number.isSafeInteger(converted)) return undefined;
  return /^[+-]?\d+$/.test(given.trim()) ? BigInt(given) : undefined;
}

const conversions: Record<string, (value: unknown) => unknown> = {
  INT: int,
  FLOAT: float,
  STRING: str,
  BOOLEAN: bool,
};

/** The literal as the node will get it, or what is wrong with it. */
export function convertedLiteral({
  name,
  spec,
  value,
}: CheckedInput): { value: unknown } | { error: ValidationError } {
  const plain = unwrapped(value);
  const convert = typeof spec[0] === "string" ? conversions[spec[0]] : undefined;
  if (!convert) return { value: plain };
  try {
    return { value: convert(plain) };
  } catch (cause) {
    if (!(cause instanceof PythonError)) throw cause;
    return {
      error: problem(
        { name, spec, value: plain },
        "invalid_input_type",
        `Failed to convert an input value to a ${spec[0]} value`,
        `${name}, ${str(plain)}, ${cause.message}`,
        { exception_message: cause.message },
      ),
    };
  }
}

/** A list literal arrives as `{"__value__": [...]}`, since a bare list is a link. */
function unwrapped(value: unknown): unknown {
  if (value !== null && typeof value === "object" && "__value__" in value) return value.__value__;
  return value;
}

/** Range and choices; `step` and `round` are not enforced. */
export function literalError(input: CheckedInput, version: string): ValidationError | undefined {
  const { name, spec, value } = input;
  const { min, max } = (spec[1] ?? {}) as { min?: number; max?: number };
  if (typeof value === "number") {
    if (min !== undefined && value < min) {
      const message = `Value ${number(input, value)} smaller than min of ${number(input, min)}`;
      return problem(input, "value_smaller_than_min", message, name);
    }
    if (max !== undefined && exceeds(value, max, input.exact)) {
      const message = `Value ${number(input, value)} bigger than max of ${number(input, max)}`;
      return problem(input, "value_bigger_than_max", message, name);
    }
  }
  // Before 0.8.0 only old-style lists of choices were enforced.
  if (spec[0] === "COMBO" && !atLeast(version, "0.8.0")) return undefined;
  return choiceError(input);
}

/**
 * Seeds end at 2^64 - 1, which becomes 2^64 in JavaScript on both sides of the wire; a client that
 * sends that number is refused by ComfyUI.
 */
function exceeds(value: number, max: number, exact: bigint | undefined): boolean {
  if (exact !== undefined && Number.isInteger(max)) {
    // A limit that is no safe number was one less before it became one.
    return exact > BigInt(max) - (Number.isSafeInteger(max) ? 0n : 1n);
  }
  return value > max || (value === max && max > Number.MAX_SAFE_INTEGER);
}

/** Python writes a float with its point. */
function number({ spec }: CheckedInput, value: number): string {
  return spec[0] === "FLOAT" && Number.isInteger(value) ? `${value}.0` : `${value}`;
}

export function choicesOf(spec: InputSpec): unknown[] | undefined {
  if (Array.isArray(spec[0])) return spec[0];
  if (spec[0] !== "COMBO") return undefined;
  const options = spec[1]?.["options"];
  return Array.isArray(options) ? options : [];
}

function choiceError(input: CheckedInput): ValidationError | undefined {
  const { name, spec, value } = input;
  const choices = choicesOf(spec);
  if (!choices || choices.includes(value)) return undefined;
  const long = choices.length > 20;
  const shown = long ? `(list of length ${choices.length})` : repr(choices);
  const error = problem(
    input,
    "value_not_in_list",
    "Value not in list",
    `${name}: ${repr(value)} not in ${shown}`,
  );
  if (long) error.extra_info["input_config"] = null;
  return error;
}

export function problem(
  { name, spec, value }: CheckedInput,
  type: string,
  message: string,
  details: string,
  more: Record<string, unknown> = {},
): ValidationError {
  return {
    type,
    message,
    details,
    extra_info: {
      input_name: name,
      input_config: [spec[0], spec[1] ?? {}],
      received_value: value,
      ...more,
    },
  };
}

/** Socket types may be unions ("FLOAT,INT") or "*". */
export function typesFit(received: string | unknown[], wanted: string | unknown[]): boolean {
  if (received === "*" || wanted === "*") return true;
  if (Array.isArray(received)) {
    return wanted === "COMBO" || JSON.stringify(received) === JSON.stringify(wanted);
  }
  if (Array.isArray(wanted)) return false;
  if (received === "COMFY_MATCHTYPE_V3" || wanted === "COMFY_MATCHTYPE_V3") return true;
  const accepted = wanted.split(",").map((type) => type.trim());
  return received.split(",").some((type) => accepted.includes(type.trim()) || type.trim() === "*");
}
