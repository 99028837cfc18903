/**
 * Group nodes, which subgraphs replaced (ComfyUI_frontend, `groupNode.ts`). An instance is made
 * into a subgraph of its own, with the instance's values laid into the inner nodes.
 */
import type { NodeInfo } from "../../comfy/protocol.ts";
import { borderOf } from "./border.ts";
import type { EditorLink, EditorNode, Port, Subgraph } from "./format.ts";
import { contentOf, type Known, skipped, spread } from "./group-values.ts";
import { indexOf, isRecord, listOf, recordOf, typeOf } from "./json.ts";

type Expanded = { subgraph: Subgraph } | { problem: string };

/** `definitions` are all the group nodes of the file: one may hold another. */
export function expandGroup(
  definition: unknown,
  instance: EditorNode,
  infoOf: (node: EditorNode) => NodeInfo | undefined,
  definitions: Readonly<Record<string, unknown>>,
): Expanded {
  const read = contentOf(definition);
  if ("problem" in read) return read;
  const group = new Group(read.nodes, read.definition);
  const problem = group.spreadValues(instance, { infoOf, definitions });
  if (problem !== undefined) return { problem };
  group.linkInside();
  return group.linkOutside(instance);
}

const inputNode = "-10";
const outputNode = "-20";

class Group {
  readonly #nodes: readonly EditorNode[];
  readonly #definition: Record<string, unknown>;
  readonly #links = new Map<string, EditorLink>();
  readonly #widgets = new Map<string, string[]>();

  constructor(nodes: readonly EditorNode[], definition: Record<string, unknown>) {
    this.#nodes = nodes;
    this.#definition = definition;
  }

  /** The instance's list holds the slots of all inner nodes, hidden ones included. */
  spreadValues(instance: EditorNode, known: Known): string | undefined {
    const slots = Array.isArray(instance.values) ? instance.values : [];
    const content = { nodes: [...this.#nodes], definition: this.#definition };
    const spreads = skipped.map((skip) => spread(content, slots, skip, known));
    const fitting = spreads.find(
      (each) => "end" in each && each.end === slots.length && !each.isShort,
    );
    const chosen = fitting ?? spreads[0];
    if (!chosen || "problem" in chosen) return chosen?.problem;
    for (const [i, node] of this.#nodes.entries()) {
      const own = chosen.nodes[i];
      if (!own) continue;
      this.#widgets.set(node.id, own.widgets);
      if (slots.length > 0) node.values = own.values;
    }
    return undefined;
  }

  /** `[from, slot, to, slot, id, type]`; what comes from outside has no `from`. */
  linkInside(): void {
    for (const entry of listOf(this.#definition["links"])) {
      const [from, originSlot, to, targetSlot, , type] = listOf(entry);
      if (typeof from !== "number" || typeof to !== "number") continue;
      const input = this.#nodes[to]?.inputs[indexOf(targetSlot)];
      if (!input) continue;
      input.link = this.#link({
        origin: String(from),
        originSlot: indexOf(originSlot),
        target: String(to),
        targetSlot: indexOf(targetSlot),
        type: typeOf(type),
      });
    }
  }

  linkOutside(instance: EditorNode): Expanded {
    const free = this.#nodes.flatMap((node) =>
      node.inputs
        .filter((input) => input.link === undefined && !this.#hidden(node, "input", input.name))
        .map((input) => ({ node, input })),
    );
    const sockets = free.filter(({ input }) => input.widget === undefined);
    const outer = instance.inputs.filter((input) => input.widget === undefined);
    if (sockets.length !== outer.length && outer.some((input) => input.link !== undefined)) {
      return { problem: `it has ${outer.length} inputs and what is in it ${sockets.length}` };
    }
    const converted = instance.inputs.filter((input) => input.widget !== undefined);
    const problem = this.#linkWidgets(converted.map((input) => input.name));
    if (problem !== undefined) return { problem };
    const inputs: Port[] = [...converted, ...outer].map(({ name, type, label }) => ({
      name,
      type,
      label,
      listed: [],
    }));
    for (const [i, { node, input }] of sockets.entries()) {
      const originSlot = converted.length + i;
      const target = { target: node.id, targetSlot: node.inputs.indexOf(input) };
      input.link = this.#link({ origin: inputNode, originSlot, ...target, type: input.type });
    }
    return { subgraph: this.#subgraph(instance, inputs, this.#linkOutputs()) };
  }

  /** A widget that an earlier node has too is named `TITLE WIDGET` on the outside. */
  #linkWidgets(names: readonly string[]): string | undefined {
    for (const [originSlot, name] of names.entries()) {
      const found = this.#nodes.flatMap((node) =>
        (this.#widgets.get(node.id) ?? []).flatMap((widget) =>
          name === widget || name === `${node.title ?? node.type} ${widget}`
            ? [{ node, widget }]
            : [],
        ),
      );
      const exact = found.find(({ widget }) => name !== widget) ?? found[0];
      if (!exact) return `nothing in it has the widget "${name}"`;
      const { node, widget } = exact;
      let input = node.inputs.find((each) => each.name === widget);
      if (!input) {
        input = { name: widget, type: "*", link: undefined, widget, label: undefined };
        node.inputs.push(input);
      }
      const target = { target: node.id, targetSlot: node.inputs.indexOf(input) };
      input.link = this.#link({ origin: inputNode, originSlot, ...target, type: input.type });
    }
    return undefined;
  }

  #linkOutputs(): Port[] {
    const taken = new Set(
      [...this.#links.values()].map(({ origin, originSlot }) => `${origin}.${originSlot}`),
    );
    const external = new Set(
      listOf(this.#definition["external"]).map((entry) => {
        const [node, slot] = listOf(entry);
        const index = isRecord(node) ? node["index"] : node;
        return `${index}.${slot}`;
      }),
    );
    const ports: Port[] = [];
    for (const node of this.#nodes) {
      for (const [slot, type] of node.outputs.entries()) {
        const key = `${node.id}.${slot}`;
        if ((taken.has(key) && !external.has(key)) || this.#hidden(node, "output", String(slot))) {
          continue;
        }
        const target = { target: outputNode, targetSlot: ports.length };
        this.#link({ origin: node.id, originSlot: slot, ...target, type });
        ports.push({ name: key, type, label: undefined, listed: [] });
      }
    }
    return ports;
  }

  #subgraph(instance: EditorNode, inputs: Port[], outputs: Port[]): Subgraph {
    const nodes = new Map(this.#nodes.map((node) => [node.id, node]));
    const graph = { nodes, links: this.#links, extra: {} };
    const { type } = instance;
    const subgraph = { id: type, name: type, inputs, outputs, graph, inputNode, outputNode };
    return { ...subgraph, border: borderOf(subgraph) };
  }

  #hidden(node: EditorNode, side: "input" | "output", name: string): boolean {
    const config = recordOf(recordOf(this.#definition["config"])[node.id]);
    return recordOf(recordOf(config[side])[name])["visible"] === false;
  }

  #link(link: EditorLink): string {
    const id = String(this.#links.size + 1);
    this.#links.set(id, link);
    return id;
  }
}
