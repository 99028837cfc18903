/**
 * ComfyUI's App Mode: which widgets its author offers, in what order, and which outputs count
 * (`extra.linearData`; ComfyUI_frontend, `workflowSchema.ts`, `appModeStore.ts`).
 */
import { type Graph, isLink, type ObjectInfo } from "../comfy/protocol.ts";
import type { Declaration } from "./discover/declared.ts";
import type { EditorNode, EditorWorkflow } from "./editor/format.ts";
import { idOf, listOf, own, recordOf, textOf } from "./editor/json.ts";
import { placeKey } from "./editor/resolve.ts";
import { type InputDefinition, inputsOf, inputsOfOption } from "./editor/widgets.ts";
import type { ParameterType } from "./known-parameters.ts";
import type { Value } from "./workflow.ts";

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
  type?: ParameterType;
  minimum?: number;
  maximum?: number;
  choices?: Value[];
}

/** Behind whatever else is declared in the graph. */
const firstOrder = 1_000_000;

/** The app's parameters as declarations, which take the place of what was found in their slots. */
export function declaredByApp({ parameters }: AppMode): Declaration[] {
  return parameters.map(({ slots, label, ...facts }, i) => ({
    slots: [...slots],
    id: "",
    label,
    optional: false,
    hidden: false,
    order: firstOrder + i,
    ...facts,
  }));
}

/** Slots of the graph by the widget outside it that decides them; see `placeKey`. */
export type Places = ReadonlyMap<string, readonly string[]>;

/** Undefined for a workflow that is no app. What leads to no literal of the graph is left out. */
export function readAppMode(
  workflow: EditorWorkflow,
  graph: Graph,
  places: Places,
  objectInfo: ObjectInfo,
): AppMode | undefined {
  const data = recordOf(workflow.graph.extra["linearData"]);
  const inputs = listOf(data["inputs"]);
  const outputs = listOf(data["outputs"]);
  if (inputs.length === 0 && outputs.length === 0) return undefined;
  const reader = new AppReader(workflow, graph, places);
  const facts = new Facts(graph, objectInfo);
  const parameters = inputs.flatMap((entry) => {
    const found = reader.parameter(entry);
    return found ? [{ ...found, ...facts.of(found.slots[0] ?? "") }] : [];
  });
  const isOutput = (id: string) => {
    const type = own(graph, id)?.class_type ?? "";
    return own(objectInfo, type)?.output_node === true;
  };
  const ids = new Set(outputs.flatMap((id) => reader.outputs(id)).filter(isOutput));
  return { parameters, outputs: [...ids] };
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
    return { slots, label: label ?? withTitle(root, widget) };
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

/** Longer lists are of files or of what packs add: they are looked up when the workflow runs. */
const mostChoices = 24;
const file = /\.[a-z0-9]{2,11}$/i;

/** What the node catalogue says about a slot. */
class Facts {
  readonly #graph: Graph;
  readonly #objectInfo: ObjectInfo;

  constructor(graph: Graph, objectInfo: ObjectInfo) {
    this.#graph = graph;
    this.#objectInfo = objectInfo;
  }

  of(slot: string): Partial<AppParameter> {
    const input = this.#definition(slot);
    if (!input) return {};
    const { type, options, choices } = input;
    if (options["image_upload"] === true) return { type: "image" };
    switch (type) {
      case "INT":
      case "FLOAT": {
        const [minimum, maximum] = [safe(options["min"]), safe(options["max"])];
        return {
          type: type === "INT" ? "integer" : "number",
          ...(minimum !== undefined && { minimum }),
          ...(maximum !== undefined && { maximum }),
        };
      }
      case "BOOLEAN":
        return { type: "boolean" };
      case "COMBO": {
        const texts = choices.filter((each) => typeof each === "string");
        const few = texts.length > 0 && texts.length <= mostChoices;
        return few && !texts.some((each) => file.test(each)) ? { choices: texts } : {};
      }
      default:
        return {};
    }
  }

  #definition(slot: string): InputDefinition | undefined {
    const dot = slot.indexOf(".");
    const node = own(this.#graph, slot.slice(0, dot));
    const info = node && own(this.#objectInfo, node.class_type);
    if (!node || !info) return undefined;
    const wanted = slot.slice(dot + 1);
    let found = inputsOf(info);
    while (found.length > 0) {
      const input = found.find(({ name }) => name === wanted);
      if (input) return input;
      const combo = found.find(({ name }) => wanted.startsWith(`${name}.`));
      const more = combo && inputsOfOption(combo, node.inputs[combo.name]);
      found = Array.isArray(more) ? more : [];
    }
    return undefined;
  }
}

function safe(limit: unknown): number | undefined {
  return typeof limit === "number" && Math.abs(limit) <= Number.MAX_SAFE_INTEGER
    ? limit
    : undefined;
}
