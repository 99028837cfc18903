import { createHash } from "node:crypto";
import { type Graph, type GraphNode, isLink } from "../comfy/protocol.ts";
import type { Slot } from "./workflow.ts";

const howToExport = "in ComfyUI use Workflow > Export (API) and save that file";

/** The graph, or why the parsed file is not one that ComfyUI would take as a prompt. */
export function parseGraph(data: unknown): { graph: Graph } | { reason: string } {
  const parsed = parseNodes(data);
  const dangling = "graph" in parsed ? danglingLink(parsed.graph) : undefined;
  return dangling === undefined ? parsed : { reason: dangling };
}

/** As `parseGraph`, whatever the nodes are linked to. */
export function parseNodes(data: unknown): { graph: Graph } | { reason: string } {
  if (!isRecord(data)) return { reason: `is not a graph of nodes; ${howToExport}` };
  if (Array.isArray(data["nodes"]) && Array.isArray(data["links"])) {
    return { reason: `is in the format of ComfyUI's editor, which cannot run; ${howToExport}` };
  }
  const nodes = Object.entries(data);
  if (nodes.length === 0) return { reason: `has no nodes; ${howToExport}` };
  for (const [id, node] of nodes) {
    if (!isNode(node)) {
      return { reason: `node "${id}" has no class_type and inputs; ${howToExport}` };
    }
  }
  return { graph: data as Graph };
}

function danglingLink(graph: Graph): string | undefined {
  for (const [id, node] of Object.entries(graph)) {
    for (const [input, value] of Object.entries(node.inputs)) {
      if (isLink(value) && !Object.hasOwn(graph, value[0])) {
        return `${id}.${input} is linked to node "${value[0]}", which is not in the graph`;
      }
    }
  }
  return undefined;
}

/**
 * Splits `node.input`. Node ids and inputs may both hold dots (`57:3.text`, `9.format.bit_depth`):
 * the split is at the last dot before which the text is the id of a node.
 */
export function findSlot(graph: Graph, text: string): { slot: Slot } | { reason: string } {
  for (let dot = text.lastIndexOf("."); dot > 0; dot = text.lastIndexOf(".", dot - 1)) {
    const id = text.slice(0, dot);
    const node = Object.hasOwn(graph, id) ? graph[id] : undefined;
    if (!node) continue;
    const input = text.slice(dot + 1);
    if (Object.hasOwn(node.inputs, input)) return { slot: { node: id, input, text } };
    const inputs = Object.keys(node.inputs).join(", ");
    return {
      reason: `node ${id} (${node.class_type}) has no input "${input}"; it has ${inputs || "none"}`,
    };
  }
  if (!text.includes(".")) return { reason: "is not a slot; write node.input, such as 6.text" };
  const ids = Object.keys(graph).slice(0, 30).join(", ");
  return { reason: `no such node; the graph has ${ids}` };
}

/** SHA-256 of the JSON with sorted keys. */
export function graphHash(graph: Graph): string {
  return createHash("sha256").update(canonicalJson(graph)).digest("hex");
}

/** JSON with sorted keys: equal content gives equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    isRecord(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}

function isNode(value: unknown): value is GraphNode {
  return isRecord(value) && typeof value["class_type"] === "string" && isRecord(value["inputs"]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
