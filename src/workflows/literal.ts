import type { GraphNode } from "../comfy/protocol.ts";
import type { BoundParameter } from "./binding.ts";
import { scaledValue } from "./check-value.ts";
import { knownParameter } from "./known-parameters.ts";
import type { Parameter, Slot, Value } from "./workflow.ts";

/** A slot with what the graph holds there. */
export interface Literal {
  slot: Slot;
  value: Value;
}

/** The value of the parameter that a slot's literal stands for. */
export function wholeValue({ slot, value }: Literal): Value {
  if (slot.times === undefined || typeof value !== "number") return value;
  return Number((value / slot.times).toFixed(4));
}

/** Whether two slots of one parameter hold the same value of it. */
export function isSame(parameter: Parameter, { slot, value }: Literal, first: Literal): boolean {
  const all = wholeValue(first);
  if (slot.times === undefined || typeof all !== "number") return value === all;
  return value === scaledValue(all * slot.times, parameter);
}

const imageLoaders: readonly string[] = ["LoadImage", "LoadImageMask"];

/** The type of a literal; for a loader's picture it is an image. */
export function heldType(
  node: GraphNode | undefined,
  { slot, value }: Literal,
): "string" | "number" | "boolean" | "image" {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  return slot.input === "image" && imageLoaders.includes(node?.class_type ?? "")
    ? "image"
    : "string";
}

type Limits = Pick<Parameter, "minimum" | "maximum" | "multipleOf" | "choices">;

export function limitsOf(name: string, bound: BoundParameter): Limits {
  const known = knownParameter(name);
  const minimum = bound.minimum ?? known?.minimum;
  const maximum = bound.maximum ?? known?.maximum;
  return {
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
    ...(bound.multipleOf !== undefined && { multipleOf: bound.multipleOf }),
    ...(bound.choices && { choices: bound.choices }),
  };
}
