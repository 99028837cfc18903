import { nearest } from "../words.ts";
import type { ParameterType } from "./known-parameters.ts";
import type { Parameter, Value } from "./workflow.ts";

const typeNames: Record<ParameterType, string> = {
  string: "a string",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  image: "an image",
};

/** Why a value is not one of this type; undefined when it is. */
export function typeFault(value: unknown, type: ParameterType): string | undefined {
  if (hasType(value, type)) return undefined;
  const hint = looksNumeric(value, type) ? "; send it without quotes" : "";
  return `must be ${typeNames[type]}, got ${shown(value)}${hint}`;
}

/** Why a value of the right type is outside what the parameter allows; undefined when it is not. */
export function limitFault(
  value: Value,
  limits: Pick<Parameter, "minimum" | "maximum" | "multipleOf" | "choices">,
): string | undefined {
  if (limits.choices && !limits.choices.includes(value)) return choiceFault(value, limits.choices);
  if (typeof value !== "number") return undefined;
  const { minimum = -Infinity, maximum = Infinity, multipleOf } = limits;
  if (value < minimum || value > maximum) {
    return `${value} is out of range; allowed ${rangeText(limits)}`;
  }
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    const below = Math.floor(value / multipleOf) * multipleOf;
    return `${value} is not a multiple of ${multipleOf}; near it are ${below} and ${below + multipleOf}`;
  }
  return undefined;
}

/** A part of a value, in the steps in which the parameter counts: a latent's blocks, whole steps. */
export function scaledValue(
  value: number,
  parameter: Pick<Parameter, "name" | "type"> | undefined,
): number {
  if (parameter?.type !== "integer") return Number(value.toFixed(4));
  const block = parameter.name === "width" || parameter.name === "height" ? 8 : 1;
  return Math.round(value / block) * block;
}

export function choiceFault(value: Value, choices: readonly Value[]): string {
  const near = typeof value === "string" ? nearest(value, choices.map(String)) : [];
  const hint =
    near.length > 0
      ? `did you mean ${near.join(", ")}?`
      : `allowed: ${choices.slice(0, 20).join(", ")}${choices.length > 20 ? ", …" : ""}`;
  return `${shown(value)} is not a choice; ${hint}`;
}

function hasType(value: unknown, type: ParameterType): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "image":
      return typeof value === "string" && value !== "";
    case "integer":
      return Number.isInteger(value);
    case "number":
      return Number.isFinite(value);
    case "boolean":
      return typeof value === "boolean";
  }
}

function looksNumeric(value: unknown, type: ParameterType): boolean {
  if (typeof value !== "string" || value.trim() === "") return false;
  return (type === "integer" || type === "number") && Number.isFinite(Number(value));
}

function rangeText({ minimum, maximum }: Pick<Parameter, "minimum" | "maximum">): string {
  if (minimum === undefined) return `up to ${maximum}`;
  return maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`;
}

/** Decimal steps such as 0.1 are not exact in binary. */
function isMultiple(value: number, step: number): boolean {
  const quotient = value / step;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient));
}

function shown(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "");
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
