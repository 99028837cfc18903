import type { ModelNeed } from "./binding.ts";
import { isModelInput } from "./combo.ts";
import { findSlot } from "./graph.ts";
import { faultLine } from "./literal-faults.ts";
import type { MissingModel, MissingNode, Readiness } from "./readiness.ts";
import type { Workflow } from "./workflow.ts";

/** What to install so that a workflow runs, in words for people. */
export function explainMissing(workflow: Workflow, state: Readiness): string {
  const name = `Workflow "${workflow.name}" (${workflow.title})`;
  if (state.ready) return `${name} is ready.`;
  const needs = [
    ...packLines(state.missingNodes),
    ...state.missingModels.map(modelLine),
    ...unseenModels(workflow, state.missingNodes).map((need) => neededLine(workflow, need)),
    ...(state.faults ?? []).slice(0, mostFaults).map(faultLine),
  ];
  return `${name} needs ${needs.join("; ")}.`;
}

/** The rest shows when these are mended. */
const mostFaults = 3;

/** How many things a person has to install. */
export function effort(workflow: Workflow, state: Readiness): number {
  if (state.ready) return 0;
  return (
    packLines(state.missingNodes).length +
    state.missingModels.length +
    (state.faults?.length ?? 0) +
    unseenModels(workflow, state.missingNodes).length
  );
}

function packLines(missing: readonly MissingNode[]): string[] {
  const packs = new Map<string, MissingNode[]>();
  for (const node of missing) {
    const pack = node.pack ?? "";
    packs.set(pack, [...(packs.get(pack) ?? []), node]);
  }
  return [...packs].map(([pack, members]) => {
    const classes = members.map((node) => node.class).join(", ");
    const nodes = members.length === 1 ? "node" : "nodes";
    if (pack === "") return `the ${nodes} ${classes}, from a node pack its binding does not name`;
    const source = members.find((node) => node.source !== undefined)?.source;
    return `the ${nodes} ${classes} from ${pack}${source === undefined ? "" : ` (${source})`}`;
  });
}

function modelLine({ file, folder, source, any, unsuitable, slot }: MissingModel): string {
  const what = any === true ? `a model such as ${file}` : `the model ${file}`;
  const rejected =
    unsuitable && unsuitable.length > 0
      ? `; found only ${unsuitable.slice(0, 5).join(", ")}, which it cannot use`
      : "";
  return `${what} ${placed(folder, slot)}${source === undefined ? "" : ` (${source})`}${rejected}`;
}

function neededLine(workflow: Workflow, need: ModelNeed): string {
  const { folder, source, file } = need;
  const what =
    file === undefined ? `a model such as ${ownFile(workflow, need)}` : `the model ${file}`;
  return `${what} ${placed(folder, "")}${source === undefined ? "" : ` (${source})`}`;
}

function placed(folder: string | undefined, slot: string): string {
  return folder === undefined ? `for ${slot}` : `in models/${folder}`;
}

/** Files of nodes that are not installed: nothing lists them, so whether they are there is open. */
function unseenModels(workflow: Workflow, missing: readonly MissingNode[]): ModelNeed[] {
  const classes = new Set(missing.map((node) => node.class));
  const files = new Set<unknown>();
  for (const node of Object.values(workflow.graph)) {
    if (!classes.has(node.class_type)) continue;
    for (const [input, value] of Object.entries(node.inputs)) {
      if (typeof value === "string" && isModelInput(node.class_type, input, value))
        files.add(value);
    }
  }
  return workflow.models.filter((need) => {
    if (need.file !== undefined) return files.has(need.file);
    return classes.has(slotOf(workflow, need)?.classType ?? "");
  });
}

function ownFile(workflow: Workflow, need: ModelNeed): string {
  return String(slotOf(workflow, need)?.value);
}

function slotOf(workflow: Workflow, need: ModelNeed) {
  const found = findSlot(workflow.graph, need.slot ?? "");
  if ("reason" in found) return undefined;
  const { node, input } = found.slot;
  const holder = workflow.graph[node];
  return { classType: holder?.class_type, value: holder?.inputs[input] };
}
