/**
 * ComfyUI's App Mode: which widgets its author offers, in what order, and which outputs count
 * (`extra.linearData`; ComfyUI_frontend, `workflowSchema.ts`, `appModeStore.ts`).
 */
import { type Graph, isLink } from "../comfy/protocol.ts";
import type { EditorNode, EditorWorkflow } from "./editor/format.ts";
import { idOf, listOf, own, recordOf, textOf } from "./editor/json.ts";
import { placeKey } from "./editor/resolve.ts";

export interface AppMode {
  /** In the author's order. */
  parameters: AppParameter[];
  /** Node ids of the graph; empty where the author chose none. */
  outputs: string[];
}

export interface AppParameter {
  slots: string[];
  /** The author's name for it, else the widget's with its node's title. */
  label: string;
  /** Whether the author named it. */
  named: boolean;
}

/** Slots of the graph by the widget outside it that decides them; see `placeKey`. */
export type Places = ReadonlyMap<string, readonly string[]>;

/** Undefined for a workflow that is no app. What leads to no literal of the graph is left out. */
export function readAppMode(
  workflow: EditorWorkflow,
  graph: Graph,
  places: Places,
): AppMode | undefined {
  const data = recordOf(workflow.graph.extra["linearData"]);
  const inputs = listOf(data["inputs"]);
  const outputs = listOf(data["outputs"]);
  if (inputs.length === 0 && outputs.length === 0) return undefined;
  const reader = new AppReader(workflow, graph, places);
  const parameters = inputs.flatMap((entry) => reader.parameter(entry) ?? []);
  return { parameters, outputs: [...new Set(outputs.flatMap((id) => reader.outputs(id)))] };
}

class AppReader {
  readonly #workflow: EditorWorkflow;
  readonly #graph: Graph;
  readonly #places: Places;

  constructor(workflow: EditorWorkflow, graph: Graph, places: Places) {
    this.#workflow = workflow;
    this.#graph = graph;
    this.#places = places;
  }

  parameter(entry: unknown): AppParameter | undefined {
    const [stored, given] = listOf(entry);
    const { node, widget } = locate(idOf(stored) ?? "", textOf(given) ?? "");
    const slots = this.#slots(node, widget).filter((slot) => this.#isLiteral(slot));
    if (slots.length === 0) return undefined;
    const root = this.#workflow.graph.nodes.get(node) ?? this.#holding(node, widget);
    const label = root?.inputs.find(
      (input) => input.widget === widget || input.name === widget,
    )?.label;
    const named = label !== undefined && label !== widget;
    return { slots, label: named ? label : withTitle(root, widget), named };
  }

  /** An output may be an instance: then what runs inside it counts. */
  outputs(stored: unknown): string[] {
    const id = idOf(stored) ?? "";
    const { node } = locate(id, "");
    const known = Object.keys(this.#graph);
    if (own(this.#graph, node)) return [node];
    const inside = known.filter((each) => each.startsWith(`${node}:`));
    if (inside.length > 0) return inside;
    const inner = known.filter((each) => each.endsWith(`:${node}`));
    return inner.length === 1 ? inner : [];
  }

  #slots(node: string, widget: string): readonly string[] {
    if (own(this.#graph, node)) return [`${node}.${widget}`];
    const placed =
      this.#places.get(placeKey({ node, widget })) ??
      this.#places.get(placeKey({ node, widget: "value" }));
    if (placed) return placed;
    // Older saves name the node inside a subgraph; it counts only if it can be but one.
    const inner = Object.keys(this.#graph).filter((id) => id.endsWith(`:${node}`));
    const slots = inner.map((id) => `${id}.${widget}`).filter((slot) => this.#isLiteral(slot));
    return slots.length === 1 ? slots : [];
  }

  #holding(node: string, widget: string): EditorNode | undefined {
    for (const subgraph of this.#workflow.subgraphs.values()) {
      const inner = subgraph.graph.nodes.get(node);
      if (inner?.inputs.some((input) => input.widget === widget)) return inner;
    }
    return undefined;
  }

  #isLiteral(slot: string): boolean {
    const dot = slot.indexOf(".");
    const inputs = own(this.#graph, slot.slice(0, dot))?.inputs;
    const value = inputs && own(inputs, slot.slice(dot + 1));
    return value !== undefined && !isLink(value);
  }
}

/** A node id, `graph:node`, or `graph:node:widget` with its parts percent-encoded. */
function locate(stored: string, widget: string): { node: string; widget: string } {
  const parts = stored.split(":").map(decoded);
  const [, node = "", name = ""] = parts;
  if (parts.length === 1) return { node: stored, widget };
  return parts.length === 2 ? { node, widget } : { node, widget: name || widget };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withTitle(node: EditorNode | undefined, widget: string): string {
  const title = node?.title;
  return title === undefined || title === node?.type ? widget : `${title}: ${widget}`;
}
