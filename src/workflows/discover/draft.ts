import { knownParameter, type ParameterType } from "../known-parameters.ts";
import type { Value } from "../workflow.ts";

/** A parameter as a binding file holds it. */
export interface Draft {
  slots: string[];
  /** What a slot gets is the value times this. */
  times?: Record<string, number>;
  description?: string;
  type?: ParameterType;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  choices?: Value[];
  required?: boolean;
  /** A picture that goes out of the graph when it is not given. */
  leavesOut?: boolean;
}

export type Drafts = Map<string, Draft>;

/**
 * Limits with room for what the graph holds already: somebody made pictures with it. What holds
 * for a known name anyway is left out.
 */
export function limitsAround(
  name: string,
  value: unknown,
  declared: Pick<Draft, "minimum" | "maximum"> = {},
): Pick<Draft, "minimum" | "maximum"> {
  if (typeof value !== "number") return {};
  const known = knownParameter(name);
  const minimum = Math.min(declared.minimum ?? known?.minimum ?? -Infinity, value);
  const maximum = Math.max(declared.maximum ?? known?.maximum ?? Infinity, value);
  return {
    ...(Number.isFinite(minimum) && minimum !== known?.minimum && { minimum }),
    ...(Number.isFinite(maximum) && maximum !== known?.maximum && { maximum }),
  };
}

/** A text as a snake_case name, `prefix` before a digit; empty when nothing of it can be one. */
export function snakeCase(text: string, prefix: string): string {
  const name = text
    .normalize("NFKD")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/\p{M}+/gu, "")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return /^[0-9]/.test(name) ? `${prefix}_${name}` : name;
}
