/** Classes whose widgets the editor makes in the browser, so that no node catalogue lists them. */
import type { InputValue } from "../../comfy/protocol.ts";
import type { EditorNode } from "./format.ts";
import { isRecord } from "./json.ts";

interface Special {
  /** Inputs beside, or instead of, those that the catalogue names. */
  inputs: Map<string, InputValue>;
  note?: string;
}

export function specialInputs(type: string, node: EditorNode): Special | undefined {
  const values = Array.isArray(node.values) ? node.values : undefined;
  if (!values) return undefined;
  switch (type) {
    case "CustomCombo":
      return { inputs: customCombo(values) };
    case "Power Lora Loader (rgthree)":
      return { inputs: powerLoras(values) };
    case "Seed (rgthree)":
      return rgthreeSeed(values[0]);
    default:
      return undefined;
  }
}

/** `[choice, index, option1, …]`; the last option is always empty. */
function customCombo(values: readonly unknown[]): Map<string, InputValue> {
  const [choice, index, ...options] = values;
  return new Map<string, InputValue>([
    ["choice", String(choice ?? "")],
    ["index", typeof index === "number" ? index : 0],
    ...options.map((option, i): [string, InputValue] => [`option${i + 1}`, String(option ?? "")]),
  ]);
}

/** What follows from the other inputs once they are final: a choice may come from a subgraph's instance. */
export function settleSpecial(type: string, inputs: Map<string, InputValue>): void {
  if (type !== "CustomCombo") return;
  const options = [...inputs].filter(([name]) => /^option\d+$/.test(name));
  const index = options.findIndex(([, option]) => option === inputs.get("choice"));
  if (index >= 0) inputs.set("index", index);
}

function powerLoras(values: readonly unknown[]): Map<string, InputValue> {
  const loras = values.filter(isRecord).filter((value) => "lora" in value);
  const header = values.filter(isRecord).find((value) => "type" in value && !("lora" in value));
  return new Map<string, InputValue>([
    ["PowerLoraLoaderHeaderWidget", header ?? { type: "PowerLoraLoaderHeaderWidget" }],
    ...loras.map((lora, i): [string, InputValue] => [`lora_${i + 1}`, lora]),
    ["➕ Add Lora", ""],
  ]);
}

/** -1, -2 and -3 are orders to the browser: a random seed, the next, the one before. */
function rgthreeSeed(value: unknown): Special | undefined {
  if (typeof value !== "number" || value >= 0) return undefined;
  return {
    inputs: new Map([["seed", 0]]),
    note: "its seed is drawn by the editor; here it is 0 until a seed is given",
  };
}
