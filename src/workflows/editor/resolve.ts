/**
 * What an input gets, followed through everything that is not run: bypassed nodes, reroutes,
 * Set and Get nodes, primitives and the borders of subgraphs (ComfyUI_frontend,
 * `ExecutableNodeDTO.ts`).
 */
import {
  bypassed,
  type EditorInput,
  type EditorLink,
  type EditorNode,
  muted,
  type Subgraph,
} from "./format.ts";
import { isRecord } from "./json.ts";
import type { Scope } from "./scope.ts";
import { virtualKind } from "./virtual.ts";

export type Source = { via: readonly Place[] } & (
  | { kind: "output"; node: string; slot: number }
  /** `isHosted`: it stands on the instance of a subgraph, and goes into an input of any kind. */
  | { kind: "value"; value: unknown; isHosted: boolean }
  /** A muted node: the input is left out of the prompt, its widget's value too. */
  | { kind: "muted" }
  /** Nothing: the widget's own value stays. */
  | { kind: "none" }
);

/** A widget of the editor that decides an input elsewhere: of an instance, or of a primitive. */
export interface Place {
  /** The node's id as the prompt would name it. */
  node: string;
  widget: string;
}

export function placeKey({ node, widget }: Place): string {
  return `${node}\n${widget}`;
}

const nothing: Source = { kind: "none", via: [] };

/** Longer chains are circles. */
const longest = 2_000;
/** Of the inner widgets that one input feeds, until one holds a value. */
const mostTried = 50;

export class Resolver {
  readonly problems: string[] = [];
  readonly #setters = new Map<Scope, Map<string, EditorNode>>();
  readonly #held: (scope: Scope, node: EditorNode, widget: string) => unknown;

  /** `held` says what a node's own widget holds. */
  constructor(held: (scope: Scope, node: EditorNode, widget: string) => unknown) {
    this.#held = held;
  }

  input(scope: Scope, { link }: EditorInput, type: string): Source {
    return this.#link(scope, link, type, 0);
  }

  #link(scope: Scope, id: string | undefined, type: string, steps: number): Source {
    const link = id === undefined ? undefined : scope.graph.links.get(id);
    if (!link || id === undefined || isStale(scope, id, link)) return nothing;
    return this.#output(scope, link.origin, link.originSlot, type, steps + 1);
  }

  #output(scope: Scope, id: string, slot: number, type: string, steps: number): Source {
    if (steps > longest) {
      this.problems.push(`node ${scope.prefix}${id} is linked in a circle`);
      return nothing;
    }
    if (scope.outer && id === scope.outer.subgraph.inputNode) {
      return this.#port(scope, slot, type, steps);
    }
    const node = scope.graph.nodes.get(id);
    if (!node) return nothing;
    const kind = virtualKind(node.type);
    if (kind === "primitive") return this.#primitive(scope, node);
    if (node.mode === bypassed) {
      const input = bypassInput(node, slot, type);
      return input ? this.#link(scope, input.link, input.type, steps) : nothing;
    }
    const child = scope.children.get(id);
    if (child?.outer) return this.#inside(child, child.outer.subgraph, slot, type, steps);
    if (node.mode === muted && kind === undefined) return { kind: "muted", via: [] };
    switch (kind) {
      case "pass":
      case "set":
        return this.#link(scope, (node.inputs[slot] ?? node.inputs[0])?.link, type, steps);
      case "get":
        return this.#get(scope, nameOf(node), type, steps);
      case "none":
        return nothing;
      default:
        return { kind: "output", node: `${scope.prefix}${id}`, slot, via: [] };
    }
  }

  /** What comes in at a subgraph's border: the link outside, else the instance's own value. */
  #port(scope: Scope, port: number, type: string, steps: number): Source {
    if (!scope.outer) return nothing;
    const { scope: around, instance, subgraph, inputs: outside } = scope.outer;
    const name = subgraph.inputs[port]?.name ?? "";
    const linked = this.#link(around, outside[port]?.link, type, steps);
    if (linked.kind !== "none") return linked;
    const via = [...linked.via, { node: `${around.prefix}${instance.id}`, widget: name }];
    const { inputs } = scope.host;
    const value = inputs.has(port) ? inputs.get(port) : this.#firstHeld(scope, subgraph, port);
    return value === undefined
      ? { kind: "none", via }
      : { kind: "value", value, isHosted: true, via };
  }

  /** The instance shows what the first inner widget holds, and gives that to all. */
  #firstHeld(scope: Scope, subgraph: Subgraph, port: number): unknown {
    for (const id of (subgraph.border.inputs[port] ?? []).slice(0, mostTried)) {
      const node = scope.graph.nodes.get(scope.graph.links.get(id)?.target ?? "");
      const input = node?.inputs.find((each) => each.link === id);
      if (!node || !input) continue;
      const child = scope.children.get(node.id);
      const value = child?.outer
        ? this.#innerHeld(child, child.outer.subgraph, input.name)
        : this.#held(scope, node, input.name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #innerHeld(child: Scope, subgraph: Subgraph, name: string): unknown {
    const port = subgraph.inputs.findIndex((each) => each.name === name);
    const { inputs } = child.host;
    if (port < 0 || inputs.has(port)) return inputs.get(port);
    return this.#firstHeld(child, subgraph, port);
  }

  #inside(child: Scope, subgraph: Subgraph, slot: number, type: string, steps: number): Source {
    const link = subgraph.border.outputs[slot];
    return link ? this.#output(child, link.origin, link.originSlot, type, steps + 1) : nothing;
  }

  #primitive(scope: Scope, node: EditorNode): Source {
    const via = [{ node: `${scope.prefix}${node.id}`, widget: "value" }];
    const overrides = scope.host.overrides.get(node.id);
    if (overrides) {
      for (const value of overrides.values()) return { kind: "value", value, isHosted: false, via };
    }
    const value = Array.isArray(node.values) ? node.values[0] : node.values?.["value"];
    return value === undefined
      ? { kind: "none", via }
      : { kind: "value", value, isHosted: false, via };
  }

  /** In its own graph, then in those around it. */
  #get(scope: Scope, name: string | undefined, type: string, steps: number): Source {
    if (name === undefined) return nothing;
    for (let at: Scope | undefined = scope; at; at = at.outer?.scope) {
      const setter = this.#settersOf(at).get(name);
      if (setter) return this.#link(at, setter.inputs[0]?.link, type, steps);
    }
    return nothing;
  }

  #settersOf(scope: Scope): Map<string, EditorNode> {
    const known = this.#setters.get(scope);
    if (known) return known;
    const setters = new Map<string, EditorNode>();
    for (const node of scope.graph.nodes.values()) {
      const name = virtualKind(node.type) === "set" ? nameOf(node) : undefined;
      if (name !== undefined && !setters.has(name)) setters.set(name, node);
    }
    this.#setters.set(scope, setters);
    return setters;
  }
}

/** Editors leave links behind that name an input of the subgraph which is another one by now. */
function isStale({ outer }: Scope, id: string, { origin, originSlot, type }: EditorLink): boolean {
  if (!outer || origin !== outer.subgraph.inputNode) return false;
  const port = outer.subgraph.inputs[originSlot];
  return port === undefined || (!port.listed.includes(id) && !compatible(port.type, type));
}

function nameOf({ values }: EditorNode): string | undefined {
  const name = isRecord(values) ? Object.values(values)[0] : values?.[0];
  return typeof name === "string" && name !== "" ? name : undefined;
}

/** Through which input a bypassed node gives what its output would. */
function bypassInput(node: EditorNode, slot: number, wanted: string): EditorInput | undefined {
  const { inputs, outputs } = node;
  if (isAny(wanted)) return inputs[slot] ?? inputs[0];
  const output = outputs[slot] ?? "*";
  const fits = ({ type }: EditorInput) => compatible(type, output) && compatible(type, wanted);
  const same = inputs[slot];
  if (same && fits(same)) return same;
  return inputs.find(({ type }) => type === wanted) ?? inputs.find(fits);
}

export function compatible(a: string, b: string): boolean {
  if (isAny(a) || isAny(b)) return true;
  const of = (type: string) => type.toLowerCase().split(",");
  const others = of(b);
  return of(a).some((type) => others.includes(type));
}

function isAny(type: string): boolean {
  return type === "*" || type === "" || type === "0";
}
