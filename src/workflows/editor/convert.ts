import type { Graph, GraphNode, InputValue, NodeInfo, ObjectInfo } from "../../comfy/protocol.ts";
import { type AppMode, readAppMode } from "../app-mode.ts";
import { type Gap, gapsOf } from "./complete.ts";
import { addEverywhereLinks } from "./everywhere.ts";
import {
  bypassed,
  type EditorGraph,
  type EditorNode,
  type EditorWorkflow,
  editorData,
  muted,
  readEditorWorkflow,
} from "./format.ts";
import { own, textOf } from "./json.ts";
import { placeKey, Resolver, type Source } from "./resolve.ts";
import { type Scope, ScopeTree } from "./scope.ts";
import { settleSpecial, specialInputs } from "./special.ts";
import { hasAlternatives, serverDates, withoutComments } from "./text.ts";
import { UnknownClasses } from "./unknown.ts";
import { type NodeValues, promptValue, readValues } from "./values.ts";
import { virtualKind } from "./virtual.ts";
import { inputsOf } from "./widgets.ts";

export interface Converted {
  graph: Graph;
  /** What the file holds and the graph does not, or holds otherwise. */
  notes: string[];
  /** What this ComfyUI needs since the file was saved; not in the graph. */
  gaps: Gap[];
  /** Set where the author made an app of it. */
  app?: AppMode;
}

/**
 * The graph that ComfyUI's editor would send for an editor workflow, by what `/object_info` says
 * about its classes. Choices such as {a|b} are left in the texts. Nothing is left out in silence:
 * a node that cannot be converted is a problem with its id.
 */
export function convert(
  editorWorkflow: unknown,
  objectInfo: ObjectInfo,
): Converted | { problems: string[] } {
  const data = editorData(editorWorkflow);
  if (!data)
    return { problems: ["is not a workflow of ComfyUI's editor: it has no list of nodes"] };
  return new Conversion(readEditorWorkflow(data), objectInfo).run();
}

class Conversion {
  readonly #workflow: EditorWorkflow;
  readonly #objectInfo: ObjectInfo;
  readonly #tree: ScopeTree;
  readonly #resolver = new Resolver((...at) => this.#held(...at));
  readonly #unknown = new UnknownClasses();
  readonly #graph = new Map<string, GraphNode>();
  readonly #notes: string[] = [];
  readonly #problems: string[] = [];
  readonly #origins = new Map<EditorGraph, ReadonlySet<string>>();
  /** Slots by the widget elsewhere that decides them. */
  readonly #places = new Map<string, string[]>();

  constructor(workflow: EditorWorkflow, objectInfo: ObjectInfo) {
    this.#workflow = workflow;
    this.#objectInfo = objectInfo;
    for (const { graph } of [workflow, ...workflow.subgraphs.values()]) {
      for (const id of addEverywhereLinks(graph)) {
        this.#problems.push(
          `node ${id} sends by groups or colours, and the file does not list to where; queue the workflow once in ComfyUI and save it again`,
        );
      }
    }
    this.#tree = new ScopeTree(workflow, (node) => this.#infoOf(node));
  }

  run(): Converted | { problems: string[] } {
    if (this.#tree.isTooLarge) return { problems: this.#tree.problems };
    for (const scope of this.#tree.scopes()) {
      for (const node of scope.graph.nodes.values()) {
        if (this.#runs(node)) this.#emit(scope, node);
      }
    }
    this.#dropDangling();
    const problems = [
      ...this.#unknown.problems(),
      ...this.#tree.problems,
      ...this.#resolver.problems,
      ...this.#problems,
    ];
    if (problems.length > 0) return { problems: [...new Set(problems)] };
    if (this.#graph.size === 0) return { problems: ["has no node that ComfyUI would run"] };
    const graph: Graph = Object.fromEntries(this.#graph);
    const gaps = gapsOf(graph, this.#objectInfo);
    this.#noteEmpty(gaps);
    const app = readAppMode(this.#workflow, graph, this.#places, this.#objectInfo);
    return { graph, gaps, notes: [...new Set(this.#notes)], ...(app && { app }) };
  }

  #runs(node: EditorNode): boolean {
    if (node.mode === muted || node.mode === bypassed) return false;
    return virtualKind(node.type) === undefined && !this.#tree.isInstance(node);
  }

  /** The name at save time helps where the type is not known. */
  #classOf(node: EditorNode): string {
    if (own(this.#objectInfo, node.type)) return node.type;
    const named = textOf(node.properties["Node name for S&R"]);
    return named !== undefined && own(this.#objectInfo, named) ? named : node.type;
  }

  #infoOf(node: EditorNode): NodeInfo | undefined {
    return own(this.#objectInfo, this.#classOf(node));
  }

  #emit(scope: Scope, node: EditorNode): void {
    const id = `${scope.prefix}${node.id}`;
    const info = this.#infoOf(node);
    if (!info) {
      if (this.#isLinked(scope, node)) this.#unknown.add(id, node);
      else
        this.#note(
          id,
          node,
          "is left out: ComfyUI does not know its class and nothing is linked to it",
        );
      return;
    }
    const read = readValues(node, info);
    if (read.problem !== undefined) {
      this.#problems.push(`node ${id} (${node.type}): ${read.problem}`);
      return;
    }
    const inputs = this.#widgetInputs(scope, node, read);
    this.#addLinks(scope, node, inputs);
    settleSpecial(node.type, inputs);
    const title = node.title ?? info.display_name ?? node.type;
    this.#graph.set(id, {
      inputs: Object.fromEntries(inputs),
      class_type: this.#classOf(node),
      _meta: { title },
    });
  }

  #held(scope: Scope, node: EditorNode, widget: string): unknown {
    const info = this.#infoOf(node);
    return info && this.#widgetInputs(scope, node, readValues(node, info)).get(widget);
  }

  /** What the node's own widgets hold, or the instance of a subgraph in their place. */
  #widgetInputs(scope: Scope, node: EditorNode, read: NodeValues): Map<string, InputValue> {
    const id = `${scope.prefix}${node.id}`;
    const overrides = scope.host.overrides.get(node.id) ?? new Map<string, unknown>();
    const inputs = new Map<string, InputValue>();
    for (const { name, type, options, value } of read.widgets) {
      const shown = () => this.#text(id, node, name, options, value);
      const sent = promptValue(overrides.has(name) ? overrides.get(name) : shown(), type);
      if (sent !== undefined) inputs.set(name, sent);
    }
    const special = specialInputs(node.type, node);
    for (const [name, value] of special?.inputs ?? []) {
      if (!overrides.has(name)) inputs.set(name, value);
    }
    for (const note of special ? [special.note ?? []].flat() : read.notes) {
      this.#note(id, node, note);
    }
    return inputs;
  }

  /** What the editor does to a text before it sends it. */
  #text(
    id: string,
    node: EditorNode,
    name: string,
    options: Readonly<Record<string, unknown>>,
    value: unknown,
  ): unknown {
    if (typeof value !== "string") return value;
    if (name === "filename_prefix") return serverDates(value);
    if (options["dynamicPrompts"] !== true) return value;
    const text = withoutComments(value);
    if (hasAlternatives(text)) {
      this.#note(
        id,
        node,
        `its "${name}" offers alternatives such as {a|b}, which are drawn for each picture`,
      );
    }
    return text;
  }

  #addLinks(scope: Scope, node: EditorNode, inputs: Map<string, InputValue>): void {
    const id = `${scope.prefix}${node.id}`;
    for (const input of node.inputs) {
      if (input.link === undefined) continue;
      const source = this.#resolver.input(scope, input, input.type);
      const takesValue = input.widget !== undefined || inputs.has(input.name);
      this.#take(id, input.name, source, inputs, takesValue);
      const dangling = !scope.graph.links.has(input.link);
      if (dangling)
        this.#note(id, node, `its input "${input.name}" names a link that the file does not hold`);
    }
    for (const [widget, place] of scope.host.places) {
      if (place.node !== node.id || !inputs.has(place.widget) || !scope.outer) continue;
      const { scope: around, instance } = scope.outer;
      this.#placed({ node: `${around.prefix}${instance.id}`, widget }, `${id}.${place.widget}`);
    }
  }

  #take(
    id: string,
    name: string,
    source: Source,
    inputs: Map<string, InputValue>,
    takesValue: boolean,
  ): void {
    if (source.kind === "output") {
      inputs.set(name, [source.node, source.slot]);
      return;
    }
    if (source.kind === "muted") {
      inputs.delete(name);
      return;
    }
    if (!takesValue && !(source.kind === "value" && source.isHosted)) return;
    const value = source.kind === "value" ? promptValue(source.value, "") : undefined;
    if (value !== undefined) inputs.set(name, value);
    if (!inputs.has(name)) return;
    for (const place of source.via) this.#placed(place, `${id}.${name}`);
  }

  #placed(place: { node: string; widget: string }, slot: string): void {
    const key = placeKey(place);
    this.#places.set(key, [...(this.#places.get(key) ?? []), slot]);
  }

  /** Links to what is not sent go, as in the editor. */
  #dropDangling(): void {
    for (const { inputs } of this.#graph.values()) {
      for (const [name, value] of Object.entries(inputs)) {
        const isGone = Array.isArray(value) && !this.#graph.has(String(value[0]));
        if (isGone) delete inputs[name];
      }
    }
  }

  #noteEmpty(gaps: readonly Gap[]): void {
    const known = new Set(gaps.map(({ node, input }) => `${node}.${input}`));
    for (const [id, { class_type: type, inputs }] of this.#graph) {
      const info = own(this.#objectInfo, type);
      for (const { name, type: socket, required } of info ? inputsOf(info) : []) {
        if (!required || Object.hasOwn(inputs, name) || socket === "COMFY_AUTOGROW_V3") continue;
        if (known.has(`${id}.${name}`)) continue;
        this.#notes.push(`node ${id} (${type}): its input "${name}" gets nothing`);
      }
    }
  }

  #note(id: string, node: EditorNode, note: string): void {
    this.#notes.push(`node ${id} (${node.type}): ${note}`);
  }

  #isLinked({ graph }: Scope, node: EditorNode): boolean {
    if (node.inputs.some(({ link }) => link !== undefined && graph.links.has(link))) return true;
    const known = this.#origins.get(graph);
    const origins = known ?? new Set([...graph.links.values()].map(({ origin }) => origin));
    if (!known) this.#origins.set(graph, origins);
    return origins.has(node.id);
  }
}
