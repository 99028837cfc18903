import type { Graph, GraphNode, InputValue, NodeInfo, ObjectInfo } from "../../comfy/protocol.ts";
import { isModelInput } from "../combo.ts";
import { own } from "./json.ts";
import { promptValue } from "./values.ts";
import {
  dynamicCombo,
  type InputDefinition,
  inputsOf,
  inputsOfOption,
  isSent,
  widgetDefault,
  widgetType,
} from "./widgets.ts";

/** An input that a class needs and the graph does not have, with what the editor would show there. */
export interface Gap {
  node: string;
  input: string;
  value: InputValue;
}

/**
 * The inputs that this ComfyUI's classes need since a graph was saved: ComfyUI refuses the graph
 * without them (`required_input_missing`, `execution.py`), and its editor fills them with the
 * class's own defaults. A model file has none.
 */
export function gapsOf(graph: Graph, objectInfo: ObjectInfo): Gap[] {
  return Object.entries(graph).flatMap(([id, node]) => {
    const info = own(objectInfo, node.class_type);
    return info ? gapsAt(id, node, info) : [];
  });
}

function gapsAt(id: string, { class_type, inputs }: GraphNode, info: NodeInfo): Gap[] {
  const gaps: Gap[] = [];
  const queue = inputsOf(info);
  for (const input of queue) {
    const held = own(inputs, input.name);
    const value = held ?? defaultOf(input, class_type);
    if (value === undefined) continue;
    if (held === undefined) gaps.push({ node: id, input: input.name, value });
    const more = widgetType(input) === dynamicCombo ? inputsOfOption(input, value) : [];
    if (Array.isArray(more)) queue.push(...more);
  }
  return gaps;
}

function defaultOf(input: InputDefinition, classType: string): InputValue | undefined {
  const type = widgetType(input);
  if (type === undefined || !isSent(type) || !input.required) return undefined;
  const value = promptValue(widgetDefault(input, type), type);
  const isFile = typeof value === "string" && isModelInput(classType, input.name, value);
  return isFile ? undefined : value;
}

/** The graph with its gaps filled; the same one where there are none. */
export function filled(graph: Graph, gaps: readonly Gap[]): Graph {
  if (gaps.length === 0) return graph;
  const whole = structuredClone(graph);
  for (const { node, input, value } of gaps) {
    const inputs = whole[node]?.inputs;
    if (inputs) inputs[input] = value;
  }
  return whole;
}

/** `26.grow_mask_by = 6`, the first few of them. */
export function gapWords(gaps: readonly Gap[]): string {
  const shown = gaps.slice(0, mostShown).map(({ node, input, value }) => {
    return `${node}.${input} = ${JSON.stringify(value)}`;
  });
  return `${shown.join(", ")}${gaps.length > mostShown ? ", …" : ""}`;
}

const mostShown = 8;
