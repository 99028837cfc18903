import { isLink, type Link } from "../../comfy/protocol.ts";
import type { Value } from "../workflow.ts";
import type { Declaration } from "./declared.ts";
import type { GraphView } from "./view.ts";

/** What a VixUi node hands to its consumers: a value, or what it is linked to. */
export type Handed = { value: Value; by: string } | { link: Link } | { reason: string };

const places = ["first", "second", "third", "fourth", "fifth", "sixth"] as const;

const holders: Readonly<Record<string, string>> = {
  VixUiPrompt: "text",
  VixUiRangeFloat: "value",
  VixUiRangeInt: "value",
  VixUiRangeScaleFloat: "value",
  VixUiCheckbox: "state",
};

const lists = /^(VixUiList|VixUiAspectRatioSelector|SDXLAspectRatioSelector)$/;
const logic = /^Vix(Ui)?(List|Checkbox)Logic$/;

/** Classes that can be replaced by what they hand on. */
export function canLower(classType: string): boolean {
  return (
    Object.hasOwn(holders, classType) ||
    lists.test(classType) ||
    logic.test(classType) ||
    classType === "VixDynamicLoraDefinition"
  );
}

export function isLogic(classType: string): boolean {
  return logic.test(classType);
}

/** `passed` are the nodes on the way: a graph may link them in a circle. */
export function handed(
  view: GraphView,
  [id, output]: Link,
  passed: Set<string> = new Set(),
): Handed {
  const classType = view.classOf(id);
  if (passed.has(id)) return { reason: `node ${id} (${classType}) is linked to itself` };
  if (view.links(id).length > 0) passed.add(id);
  const read = (input: string): Handed => {
    const value = view.input(id, input);
    if (isLink(value)) return handed(view, value, passed);
    return isValue(value)
      ? { value, by: id }
      : { reason: `node ${id} (${classType}) has no "${input}"` };
  };
  if (classType === "VixDynamicLoraDefinition") return read(output === 0 ? "model" : "clip");
  if (logic.test(classType)) return read(branchOf(view, id, passed));
  if (classType === "VixUiList") return listed(view, id);
  if (lists.test(classType)) return ratio(view, id, output);
  const input = Object.hasOwn(holders, classType) ? holders[classType] : undefined;
  return input === undefined ? { link: [id, output] } : read(input);
}

/** The input a logic node takes, by its default. */
function branchOf(view: GraphView, id: string, passed: Set<string>): string {
  if (view.classOf(id).includes("Checkbox")) {
    const link = view.link(id, "state");
    const state = link ? handed(view, link, passed) : { value: view.input(id, "state") };
    return "value" in state && state.value === true ? "input_on_state" : "input_off_state";
  }
  const names = choiceNames(possibleValues(view, id));
  const chosen = names.indexOf(String(view.input(id, "default_value") ?? ""));
  return `input_${places[Math.max(0, chosen)] ?? "first"}`;
}

function listed(view: GraphView, id: string): Handed {
  const possible = possibleValues(view, id);
  const chosen = view.input(id, "default_value");
  if (!isValue(chosen)) return { reason: `node ${id} (VixUiList) has no "default_value"` };
  const map = isMap(possible) ? possible : {};
  const mapped: unknown = Object.hasOwn(map, String(chosen)) ? map[String(chosen)] : chosen;
  return { value: isValue(mapped) ? mapped : chosen, by: id };
}

/** "16:9 (1344x768)": output 0 is the ratio, 1 the width, 2 the height. */
function ratio(view: GraphView, id: string, output: number): Handed {
  const text = String(view.input(id, "aspect_ratio") ?? "");
  const sides = /\((\d+)\s*[x×]\s*(\d+)\)/.exec(text);
  if (output === 0) return { value: text.split(" ")[0] ?? text, by: id };
  const side = sides?.[output];
  return side === undefined
    ? {
        reason: `node ${id} (${view.classOf(id)}) has the aspect_ratio "${text}", which names no size`,
      }
    : { value: Number(side), by: id };
}

/** What a VixUi node declares about its parameter; undefined when a size is all there is. */
export function declarationOf(view: GraphView, id: string): Declaration | undefined {
  const classType = view.classOf(id);
  if (lists.test(classType) && classType !== "VixUiList") return undefined;
  const text = (input: string) => {
    const value = view.input(id, input);
    return typeof value === "string" ? value.trim() : "";
  };
  const order = view.input(id, "order");
  return {
    slots: [],
    id: text("custom_id").toLowerCase(),
    label: text("display_name"),
    optional: view.input(id, "optional") === true,
    hidden: view.input(id, "hidden") === true,
    order: typeof order === "number" ? order : 99,
    ...typeAndLimits(view, id),
  };
}

function typeAndLimits(view: GraphView, id: string): Partial<Declaration> {
  const classType = view.classOf(id);
  if (classType.startsWith("VixUiRange")) {
    const [minimum, maximum] = [view.input(id, "min"), view.input(id, "max")];
    return {
      type: classType === "VixUiRangeInt" ? "integer" : "number",
      ...(typeof minimum === "number" && { minimum }),
      ...(typeof maximum === "number" && { maximum }),
    };
  }
  if (classType === "VixUiCheckbox") return { type: "boolean" };
  if (classType !== "VixUiList") return { type: "string" };
  const possible = possibleValues(view, id);
  const choices = (isMap(possible) ? Object.values(possible) : possible).filter(isValue);
  return choices.length > 0 ? { choices } : {};
}

/** A JSON list, or a JSON map from what is shown to what is sent. */
export function possibleValues(view: GraphView, id: string): unknown[] | Record<string, unknown> {
  const text = view.input(id, "possible_values");
  try {
    const parsed: unknown = typeof text === "string" ? JSON.parse(text) : text;
    return Array.isArray(parsed) || isMap(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

export function choiceNames(possible: unknown[] | Record<string, unknown>): string[] {
  return isMap(possible) ? Object.keys(possible) : possible.map(String);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isValue(value: unknown): value is Value {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
