import { type Graph, type GraphNode, isLink, type Link } from "../../comfy/protocol.ts";
import { handedOn } from "./handed-on.ts";

/** The type of a literal as JSON tells it. */
export type Held = "string" | "number" | "boolean";

/** Names under which nodes that only hold a value keep it. */
const valueNames: readonly string[] = [
  "value",
  "string",
  "text",
  "String",
  "Text",
  "prompt",
  "int",
  "float",
  "number",
  "seed",
  "noise_seed",
];

/** Longer chains of values than this are loops. */
const mostHops = 32;

export interface Use {
  node: string;
  input: string;
  output: number;
}

/** A graph as the walks read it: by links, upstream and downstream. */
export class GraphView {
  readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  node(id: string): GraphNode | undefined {
    return Object.hasOwn(this.graph, id) ? this.graph[id] : undefined;
  }

  classOf(id: string): string {
    return this.node(id)?.class_type ?? "";
  }

  input(id: string, input: string): unknown {
    const inputs = this.node(id)?.inputs;
    return inputs && Object.hasOwn(inputs, input) ? inputs[input] : undefined;
  }

  link(id: string, input: string): Link | undefined {
    const value = this.input(id, input);
    return isLink(value) ? value : undefined;
  }

  links(id: string): { input: string; link: Link }[] {
    return Object.entries(this.node(id)?.inputs ?? {}).flatMap(([input, value]) =>
      isLink(value) ? [{ input, link: value }] : [],
    );
  }

  /** The nodes themselves and all they depend on, nearest first. */
  upstream(ids: readonly string[]): string[] {
    const found = new Set(ids);
    // A set hands out what is added while it is walked.
    for (const id of found) {
      for (const { link } of this.links(id)) found.add(link[0]);
    }
    return [...found];
  }

  uses(id: string): Use[] {
    return Object.keys(this.graph).flatMap((node) =>
      this.links(node)
        .filter(({ link }) => link[0] === id)
        .map(({ input, link }) => ({ node, input, output: link[1] })),
    );
  }

  /** The slot of the literal an input gets, through primitives and reroutes. */
  valueSlot(id: string, input: string, held: Held): string | undefined {
    let at = { id, input };
    for (let hop = 0; hop < mostHops; hop += 1) {
      const value = this.input(at.id, at.input);
      if (typeof value === held) return `${at.id}.${at.input}`;
      if (!isLink(value)) return undefined;
      const next = this.#source(value[0], input, held);
      if (next === undefined) return undefined;
      at = { id: value[0], input: next };
    }
    return undefined;
  }

  valueAt(slot: string): unknown {
    const dot = slot.lastIndexOf(".");
    return this.input(slot.slice(0, dot), slot.slice(dot + 1));
  }

  /** The input of a node that its output repeats. */
  #source(id: string, role: string, held: Held): string | undefined {
    const handed = handedOn(this, id);
    if (handed !== undefined) return handed;
    // What was made of another value is not that value.
    if (this.links(id).length > 0 || isPreset(this, id)) return undefined;
    return [role, ...valueNames].find((name) => typeof this.input(id, name) === held);
  }
}

/** Whether a choice from a list decides what a node gives, whatever numbers it holds beside it. */
export function isPreset(view: GraphView, id: string): boolean {
  return Object.entries(view.node(id)?.inputs ?? {}).some(([name, value]) => {
    const lists = /aspect|ratio|preset|resolution|dimensions/i.test(name);
    return lists && typeof value === "string" && !/custom/i.test(value);
  });
}

/** By number where ids are numbers, so that "9" comes before "10". */
export function byId(a: string, b: string): number {
  const [left, right] = [Number.parseFloat(a), Number.parseFloat(b)];
  if (left !== right && !Number.isNaN(left) && !Number.isNaN(right)) return left - right;
  return a < b ? -1 : Number(a > b);
}
