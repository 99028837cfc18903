import { copyJson } from "../../json.ts";
import type { Branch } from "../workflow.ts";
import { isRecord, type Json } from "./overrides.ts";

/** More variants of one flow are not made. */
const mostVariants = 12;

/** A choice between branches of a Visionatrix flow, and the node that makes it. */
export interface NodeBranch extends Branch {
  node: string;
}

/** The choices that a flow leaves to its callers; empty for other graphs. */
export function branchesOf(data: unknown): NodeBranch[] {
  if (!isRecord(data)) return [];
  return Object.entries(data).flatMap(([node, each]) => {
    const inputs = isRecord(each) ? each["inputs"] : undefined;
    if (!isRecord(each) || !isRecord(inputs) || inputs["hidden"] === true) return [];
    return branchOf(node, each["class_type"], inputs) ?? [];
  });
}

function branchOf(node: string, classType: unknown, inputs: Json): NodeBranch | undefined {
  const text = (key: string) => (typeof inputs[key] === "string" ? inputs[key].trim() : "");
  const name = text("custom_id").toLowerCase() || `in_param_${node}`;
  const about = { node, name, title: text("display_name") };
  if (classType === "VixUiCheckboxLogic" && typeof inputs["state"] === "boolean") {
    const standard = String(inputs["state"]);
    return { ...about, values: ["true", "false"], standard, isSwitch: true };
  }
  const values = classType === "VixUiListLogic" ? listed(inputs["possible_values"]) : [];
  return values.length > 1 ? { ...about, values, standard: text("default_value") } : undefined;
}

function listed(text: unknown): string[] {
  try {
    const values: unknown = typeof text === "string" ? JSON.parse(text) : text;
    if (Array.isArray(values)) return values.map(String);
    return isRecord(values) ? Object.keys(values) : [];
  } catch {
    return [];
  }
}

export interface Variant {
  /** The value of each choice. */
  values: Record<string, string>;
  /** The flow with these for its own. */
  data: Json;
}

/** The flow with every other combination of its choices than its own; none where they are too many. */
export function variantsOf(data: unknown, branches: readonly NodeBranch[]): Variant[] {
  const count = branches.reduce((product, { values }) => product * values.length, 1);
  if (!isRecord(data) || count > mostVariants) return [];
  const all = branches.reduce<Record<string, string>[]>(
    (made, { name, values }) =>
      made.flatMap((before) => values.map((value) => ({ ...before, [name]: value }))),
    [{}],
  );
  const others = all.filter((values) =>
    branches.some(({ name, standard }) => values[name] !== standard),
  );
  return others.map((values) => ({ values, data: chosen(data, branches, values) }));
}

function chosen(
  data: Json,
  branches: readonly NodeBranch[],
  values: Readonly<Record<string, string>>,
): Json {
  const copy = copyJson(data);
  for (const { node, name, isSwitch } of branches) {
    const each = copy[node];
    const inputs = isRecord(each) ? each["inputs"] : undefined;
    if (!isRecord(inputs)) continue;
    if (isSwitch) inputs["state"] = values[name] === "true";
    else inputs["default_value"] = values[name];
  }
  return copy;
}
