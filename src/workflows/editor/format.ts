/**
 * An editor workflow as ComfyUI's frontend saves it (ComfyUI_frontend, `workflowSchema.ts`), with
 * the differences of its two schema versions taken away: ids are texts, links are objects.
 */
import { borderOf } from "./border.ts";
import { idOf, indexOf, isRecord, type Json, listOf, recordOf, textOf, typeOf } from "./json.ts";

export interface EditorInput {
  name: string;
  type: string;
  link: string | undefined;
  /** The widget this input stands for. */
  widget: string | undefined;
  label: string | undefined;
}

export interface EditorNode {
  id: string;
  type: string;
  title: string | undefined;
  mode: number;
  inputs: EditorInput[];
  /** The types of the outputs. */
  outputs: string[];
  properties: Json;
  values: unknown[] | Json | undefined;
  /** What newer frontends write beside `values`, by name. */
  named: Json | undefined;
}

export interface EditorLink {
  origin: string;
  originSlot: number;
  target: string;
  targetSlot: number;
  type: string;
}

export interface EditorGraph {
  nodes: Map<string, EditorNode>;
  links: Map<string, EditorLink>;
  extra: Json;
}

export interface Port {
  name: string;
  type: string;
  label: string | undefined;
  /** The links inside that the file lists with it, the one that counts first. */
  listed: string[];
}

export interface Subgraph {
  id: string;
  name: string;
  inputs: Port[];
  outputs: Port[];
  graph: EditorGraph;
  /** Links from this node come from outside, links to the other leave the subgraph. */
  inputNode: string;
  outputNode: string;
  border: Border;
}

/** What crosses the border of a subgraph, seen from inside. */
export interface Border {
  /** The links of each input. */
  inputs: string[][];
  /** The link that each output takes. */
  outputs: (EditorLink | undefined)[];
}

export interface EditorWorkflow {
  id: string | undefined;
  graph: EditorGraph;
  subgraphs: ReadonlyMap<string, Subgraph>;
}

/** Modes of a node that is not run (litegraph, `LGraphEventMode`). */
export const muted = 2;
export const bypassed = 4;

/** Whether a parsed file is an editor workflow, also one inside `{ workflow: … }`. */
export function editorData(data: unknown): Json | undefined {
  if (!isRecord(data)) return undefined;
  if (Array.isArray(data["nodes"])) return data;
  const inner = data["workflow"];
  return isRecord(inner) && Array.isArray(inner["nodes"]) ? inner : undefined;
}

export function readEditorWorkflow(data: Json): EditorWorkflow {
  const subgraphs = new Map<string, Subgraph>();
  collectSubgraphs(data, subgraphs, 0);
  return { id: idOf(data["id"]), graph: graphOf(data), subgraphs };
}

/** Deeper than anybody nests definitions; the files in use keep all of them at the root. */
const mostNested = 16;

function collectSubgraphs(data: Json, into: Map<string, Subgraph>, depth: number): void {
  if (depth > mostNested) return;
  for (const definition of listOf(recordOf(data["definitions"])["subgraphs"])) {
    const id = isRecord(definition) ? idOf(definition["id"]) : undefined;
    if (!isRecord(definition) || id === undefined || into.has(id)) continue;
    const subgraph = {
      id,
      name: textOf(definition["name"]) ?? id,
      inputs: listOf(definition["inputs"]).map(portOf),
      outputs: listOf(definition["outputs"]).map(portOf),
      graph: graphOf(definition),
      inputNode: idOf(recordOf(definition["inputNode"])["id"]) ?? "-10",
      outputNode: idOf(recordOf(definition["outputNode"])["id"]) ?? "-20",
    };
    into.set(id, { ...subgraph, border: borderOf(subgraph) });
    collectSubgraphs(definition, into, depth + 1);
  }
}

function portOf(data: unknown): Port {
  const port = recordOf(data);
  return {
    name: textOf(port["name"]) ?? "",
    type: typeOf(port["type"]),
    label: textOf(port["label"]),
    listed: listOf(port["linkIds"]).flatMap((link) => idOf(link) ?? []),
  };
}

function graphOf(data: Json): EditorGraph {
  const nodes = listOf(data["nodes"]).flatMap((node) => nodeOf(node) ?? []);
  const links = listOf(data["links"])
    .map(linkOf)
    .filter((link) => link !== undefined);
  return {
    nodes: new Map(nodes.map((node) => [node.id, node])),
    links: new Map(links),
    extra: recordOf(data["extra"]),
  };
}

export function nodeOf(data: unknown, given?: string): EditorNode | undefined {
  if (!isRecord(data)) return undefined;
  const id = given ?? idOf(data["id"]);
  if (id === undefined) return undefined;
  const values = data["widgets_values"];
  const named = data["widgets_values_named"];
  return {
    id,
    type: textOf(data["type"]) ?? "",
    title: textOf(data["title"]),
    mode: Number(data["mode"] ?? 0),
    inputs: listOf(data["inputs"]).map(inputOf),
    outputs: listOf(data["outputs"]).map((output) => typeOf(recordOf(output)["type"])),
    properties: recordOf(data["properties"]),
    values: Array.isArray(values) || isRecord(values) ? values : undefined,
    named: isRecord(named) ? named : undefined,
  };
}

function inputOf(data: unknown): EditorInput {
  const input = recordOf(data);
  return {
    name: textOf(input["name"]) ?? "",
    type: typeOf(input["type"]),
    link: idOf(input["link"]),
    widget: textOf(recordOf(input["widget"])["name"]),
    label: textOf(input["label"]),
  };
}

/** Version 0.4 writes `[id, origin, slot, target, slot, type]`, version 1 and subgraphs objects. */
function linkOf(data: unknown): [string, EditorLink] | undefined {
  const [id, origin, originSlot, target, targetSlot, type] = Array.isArray(data)
    ? data
    : linkFields.map((field) => recordOf(data)[field]);
  const [linkId, from, to] = [idOf(id), idOf(origin), idOf(target)];
  if (linkId === undefined || from === undefined || to === undefined) return undefined;
  const slots = { originSlot: indexOf(originSlot), targetSlot: indexOf(targetSlot) };
  return [linkId, { origin: from, target: to, ...slots, type: typeOf(type) }];
}

const linkFields = ["id", "origin_id", "origin_slot", "target_id", "target_slot", "type"];
