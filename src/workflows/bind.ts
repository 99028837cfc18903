import type { Graph } from "../comfy/protocol.ts";
import { copyJson } from "../json.ts";
import { scaledValue } from "./check-value.ts";
import { findSlot } from "./graph.ts";
import { leaveOut } from "./leave-out.ts";
import type { Parameter, Slot, Workflow } from "./workflow.ts";

/**
 * The graph to send: a copy with the given values in their slots, and with the backend's own
 * spelling of each model file (`choices`, by slot). A file the caller chose is kept.
 */
export function bind(
  workflow: Workflow,
  values: Readonly<Record<string, unknown>>,
  choices: Readonly<Record<string, string>> = {},
): Graph {
  const graph = withoutUnused(workflow, values);
  for (const [name, value] of Object.entries(values)) {
    const slots = Object.hasOwn(workflow.parameters, name)
      ? (workflow.parameters[name]?.slots ?? [])
      : [];
    if (value === undefined) continue;
    for (const slot of slots) setSlot(graph, slot, inSlot(workflow.parameters[name], slot, value));
  }
  for (const [text, file] of Object.entries(choices)) {
    const found = findSlot(workflow.graph, text);
    if ("reason" in found) throw new Error(`model choice for slot "${text}": ${found.reason}`);
    const { node, input } = found.slot;
    const own = workflow.graph[node]?.inputs[input];
    if (graph[node]?.inputs[input] === own) setSlot(graph, found.slot, file);
  }
  return graph;
}

/** Without the optional pictures that are not given: the file that the graph names is the author's. */
function withoutUnused(workflow: Workflow, values: Readonly<Record<string, unknown>>): Graph {
  let graph = copyJson(workflow.graph);
  for (const { name, leavesOut, slots } of Object.values(workflow.parameters)) {
    if (leavesOut !== true || values[name] !== undefined) continue;
    for (const { node } of slots) graph = leaveOut(graph, node, workflow.outputs);
  }
  return graph;
}

/** What a slot gets of a parameter's value. */
function inSlot(parameter: Parameter | undefined, { times }: Slot, value: unknown): unknown {
  if (times === undefined || typeof value !== "number") return value;
  return scaledValue(value * times, parameter);
}

function setSlot(graph: Graph, slot: Slot, value: unknown): void {
  const inputs = graph[slot.node]?.inputs;
  if (!inputs) throw new Error(`workflow slot "${slot.text}" is not in its graph`);
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    throw new Error(`slot "${slot.text}" was given ${typeof value}, not a literal`);
  }
  inputs[slot.input] = value;
}
