import type { NodeInfo } from "../../comfy/protocol.ts";
import { inputsOfPorts } from "./border.ts";
import {
  bypassed,
  type EditorGraph,
  type EditorInput,
  type EditorNode,
  type EditorWorkflow,
  muted,
  type Subgraph,
} from "./format.ts";
import { expandGroup } from "./group-nodes.ts";
import { groupName } from "./group-values.ts";
import { own, recordOf } from "./json.ts";
import { assignNested, type Host, hostOf } from "./promoted.ts";

/** One graph of nodes as it runs: the root, or the inside of one instance of a subgraph. */
export interface Scope {
  /** Goes before the ids of its nodes in the prompt: `""`, `57:`, `57:3:`. */
  prefix: string;
  graph: EditorGraph;
  host: Host;
  /** `inputs` are those of the instance, by the number of the subgraph's. */
  outer?: {
    scope: Scope;
    instance: EditorNode;
    subgraph: Subgraph;
    inputs: readonly (EditorInput | undefined)[];
  };
  children: Map<string, Scope>;
}

/** No person's workflow comes near; a subgraph that holds itself would not end. */
const mostNested = 24;
const mostNodes = 20_000;

export class ScopeTree {
  readonly root: Scope;
  readonly problems: string[] = [];
  readonly #workflow: EditorWorkflow;
  readonly #infoOf: (node: EditorNode) => NodeInfo | undefined;
  readonly #groups: Record<string, unknown>;
  #nodes = 0;

  constructor(workflow: EditorWorkflow, infoOf: (node: EditorNode) => NodeInfo | undefined) {
    this.#workflow = workflow;
    this.#infoOf = infoOf;
    this.#groups = recordOf(workflow.graph.extra["groupNodes"]);
    const host: Host = { inputs: new Map(), overrides: new Map(), places: new Map() };
    this.root = { prefix: "", graph: workflow.graph, host, children: new Map() };
    this.#fill(this.root, 0);
    if (this.isTooLarge) {
      this.problems.push(`it holds more than ${mostNodes} nodes; take it apart in ComfyUI`);
    }
  }

  get isTooLarge(): boolean {
    return this.#nodes > mostNodes;
  }

  isInstance(node: EditorNode): boolean {
    return this.#workflow.subgraphs.has(node.type) || groupName(node.type) !== undefined;
  }

  /** A scope before those inside it. */
  *scopes(from: Scope = this.root): Generator<Scope> {
    yield from;
    for (const child of from.children.values()) yield* this.scopes(child);
  }

  #fill(scope: Scope, depth: number): void {
    this.#nodes += scope.graph.nodes.size;
    for (const node of scope.graph.nodes.values()) {
      if (node.mode === muted || node.mode === bypassed || !this.isInstance(node)) continue;
      if (this.isTooLarge) return;
      if (depth >= mostNested) {
        const id = `${scope.prefix}${node.id}`;
        this.problems.push(`node ${id}: its subgraphs hold each other; take them apart in ComfyUI`);
        return;
      }
      const subgraph = this.#subgraphOf(node, scope);
      if (!subgraph) continue;
      const child = this.#child(scope, node, subgraph);
      scope.children.set(node.id, child);
      this.#fill(child, depth + 1);
    }
  }

  #child(scope: Scope, instance: EditorNode, subgraph: Subgraph): Scope {
    const host = hostOf(instance, subgraph, this.#workflow.subgraphs);
    for (const [widget, value] of scope.host.overrides.get(instance.id) ?? []) {
      assignNested(host, instance, subgraph, widget, value);
    }
    const prefix = `${scope.prefix}${instance.id}:`;
    const inputs = inputsOfPorts(instance, subgraph.inputs).map((at) => instance.inputs[at]);
    const outer = { scope, instance, subgraph, inputs };
    return { prefix, graph: subgraph.graph, host, outer, children: new Map() };
  }

  #subgraphOf(node: EditorNode, scope: Scope): Subgraph | undefined {
    const subgraph = this.#workflow.subgraphs.get(node.type);
    const name = groupName(node.type);
    if (subgraph || name === undefined) return subgraph;
    const expanded = expandGroup(own(this.#groups, name), node, this.#infoOf, this.#groups);
    if ("subgraph" in expanded) return expanded.subgraph;
    this.problems.push(
      `node ${scope.prefix}${node.id} (group node "${name}"): ${expanded.problem}; in ComfyUI convert it to a subgraph and save again`,
    );
    return undefined;
  }
}
