import type { Graph } from "../comfy/protocol.ts";
import type { Binding, ModelNeed } from "./binding.ts";
import { findSlot } from "./graph.ts";
import { suits } from "./model-files.ts";
import type { Refuse } from "./options.ts";

/** Refuses what a binding says about models and node classes that its graph does not have. */
export function checkNeeds({ models, nodes }: Binding, graph: Graph, refuse: Refuse): void {
  for (const need of models) {
    if (need.slot !== undefined) checkSlot(need, need.slot, graph, refuse);
    else checkFile(need, graph, refuse);
  }
  const classes = new Set(Object.values(graph).map((node) => node.class_type));
  for (const need of nodes) {
    if (!classes.has(need.class)) refuse(`nodes: the graph has no node of class "${need.class}"`);
  }
}

function checkSlot(need: ModelNeed, slot: string, graph: Graph, refuse: Refuse): void {
  const found = findSlot(graph, slot);
  if ("reason" in found) return refuse(`models: ${found.reason}`, slot);
  const value = graph[found.slot.node]?.inputs[found.slot.input];
  if (typeof value !== "string") return refuse("models: holds no file name", slot);
  if (suits(need, value)) return;
  refuse(`models: "match" or "avoid" rejects the graph's own ${value}; change one of them`, slot);
}

function checkFile(need: ModelNeed, graph: Graph, refuse: Refuse): void {
  const { file } = need;
  const named = Object.values(graph).some((node) =>
    Object.values(node.inputs).some((value) => value === file),
  );
  if (!named) refuse(`models: no node of the graph names the file "${file}"`);
  if (need.match || need.avoid) {
    refuse(`models: "match" and "avoid" at the file "${file}" need a "slot" with "any": true`);
  }
}
