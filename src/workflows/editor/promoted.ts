/**
 * The values that an instance of a subgraph gives to what is inside, as every generation of the
 * editor saved them (ComfyUI_frontend, `SubgraphNode.ts`, `proxyWidgetMigration.ts`). The keys
 * that are present decide: the version stamped into a file is not kept up.
 */
import { inputsOfPorts } from "./border.ts";
import type { EditorNode, Subgraph } from "./format.ts";
import { idOf, isRecord, listOf, textOf } from "./json.ts";
import { isControl } from "./layout.ts";

export interface Host {
  /** By the number of the subgraph's input. */
  inputs: Map<number, unknown>;
  /** Of widgets that no subgraph input feeds: by inner node, then widget. */
  overrides: Map<string, Map<string, unknown>>;
  /** Where a widget of the instance is inside, where it is not an input of the subgraph. */
  places: Map<string, { node: string; widget: string }>;
}

export function hostOf(
  instance: EditorNode,
  subgraph: Subgraph,
  subgraphs: ReadonlyMap<string, Subgraph>,
): Host {
  const host: Host = { inputs: new Map(), overrides: new Map(), places: new Map() };
  assignSaved(host, instance, subgraph, subgraphs);
  for (const entry of listOf(instance.properties["proxyWidgetErrorQuarantine"])) {
    const [path, value] = isRecord(entry)
      ? [entry["originalEntry"], entry["hostValue"]]
      : listOf(entry);
    const [inner, name] = listOf(path);
    if (idOf(inner) === "-1") assignByName(host, subgraph, String(name), value);
  }
  return host;
}

function assignSaved(
  host: Host,
  instance: EditorNode,
  subgraph: Subgraph,
  subgraphs: ReadonlyMap<string, Subgraph>,
): void {
  const { values, named, properties } = instance;
  const proxies = listOf(properties["proxyWidgets"]);
  if (proxies.length > 0) {
    const held = Array.isArray(values) ? values : [];
    for (const [i, entry] of proxies.entries()) assignProxy(host, subgraph, entry, held[i]);
    return;
  }
  const list = Array.isArray(values) ? values : [];
  const ports = promotedPorts(instance, subgraph, subgraphs, list.length);
  // Newer editors write the values by the input's name as well.
  const byName = Array.isArray(values) ? (list.length < ports.length ? named : undefined) : values;
  if (!byName) assignInOrder(host, ports, list);
  for (const [name, value] of Object.entries(byName ?? {})) {
    assignByName(host, subgraph, name, value);
  }
}

/** A null is a hole: the inner node's own value stays. */
function isHole(value: unknown): boolean {
  return value === undefined || value === null;
}

/** An entry `[inner node, widget, node inside that]` of `proxyWidgets`. */
function assignProxy(host: Host, subgraph: Subgraph, entry: unknown, value: unknown): void {
  const [inner, widget, within] = listOf(entry);
  const [node, name] = [idOf(inner), textOf(widget)];
  if (node === undefined || name === undefined) return;
  // Previews and the control of a seed do not reach the prompt.
  if (name.startsWith("$$") || name === "control_after_generate") return;
  if (node === "-1") {
    if (!isHole(value)) assignByName(host, subgraph, name, value);
    return;
  }
  assignInner(host, subgraph, { node, widget: name, within: idOf(within) }, value);
}

interface Inner {
  node: string;
  widget: string;
  within?: string | undefined;
}

function assignInner(host: Host, subgraph: Subgraph, inner: Inner, value: unknown): void {
  const target = subgraph.graph.nodes.get(inner.node);
  if (!target) return;
  const port = portFeeding(subgraph, target, inner.widget);
  if (port !== undefined) {
    if (!isHole(value)) host.inputs.set(port, value);
    return;
  }
  const { node, widget } = inner;
  host.places.set(widget, { node, widget });
  if (isHole(value)) return;
  const key = inner.within === undefined ? widget : `${inner.within}: ${widget}`;
  const held = host.overrides.get(node) ?? new Map<string, unknown>();
  host.overrides.set(node, held.set(key, value));
}

/** Gives a nested instance what the instance around it says about its widget. */
export function assignNested(
  host: Host,
  instance: EditorNode,
  subgraph: Subgraph,
  widget: string,
  value: unknown,
): void {
  if (assignByName(host, subgraph, widget, value)) return;
  const [, within, bare] = /^(\d+): (.*)$/s.exec(widget) ?? [];
  const name = bare ?? widget;
  const proxy = listOf(instance.properties["proxyWidgets"]).find((entry) => {
    const [inner, proxied] = listOf(entry);
    return proxied === name && (within === undefined || idOf(inner) === within);
  });
  if (proxy !== undefined) assignProxy(host, subgraph, proxy, value);
  else if (assignByName(host, subgraph, name, value)) return;
  else if (within !== undefined) assignInner(host, subgraph, { node: within, widget: name }, value);
}

function assignByName(host: Host, { inputs }: Subgraph, name: string, value: unknown): boolean {
  const port = inputs.findIndex((each) => each.name === name);
  if (port >= 0 && !isHole(value)) host.inputs.set(port, value);
  return port >= 0;
}

function portFeeding(subgraph: Subgraph, node: EditorNode, widget: string): number | undefined {
  const input = node.inputs.find((each) => each.widget === widget || each.name === widget);
  const link = input?.link === undefined ? undefined : subgraph.graph.links.get(input.link);
  return link?.origin === subgraph.inputNode ? link.originSlot : undefined;
}

function assignInOrder(host: Host, ports: readonly number[], values: readonly unknown[]): void {
  let at = 0;
  for (const [i, port] of ports.entries()) {
    const value = values[at];
    if (!isHole(value)) host.inputs.set(port, value);
    at += 1;
    const more = values.length - at > ports.length - i - 1;
    if (more && isControl(values[at])) at += 1;
  }
}

/** The subgraph inputs that have a value on the instance, in the instance's order. */
function promotedPorts(
  instance: EditorNode,
  subgraph: Subgraph,
  subgraphs: ReadonlyMap<string, Subgraph>,
  count: number,
): number[] {
  const portOf = new Map(inputsOfPorts(instance, subgraph.inputs).map((at, port) => [at, port]));
  const shown = instance.inputs.flatMap(({ widget }, i) =>
    widget === undefined ? [] : (portOf.get(i) ?? []),
  );
  if (shown.length === count) return shown;
  // Before queuing the editor takes unlinked widget inputs out of the instance.
  const reaching = subgraph.inputs.flatMap((_, port) =>
    reachesWidget(subgraph, port, subgraphs, 0) ? [port] : [],
  );
  return shown.length >= reaching.length ? shown : reaching;
}

const mostNested = 32;
const mostTried = 50;

function reachesWidget(
  subgraph: Subgraph,
  port: number,
  subgraphs: ReadonlyMap<string, Subgraph>,
  depth: number,
): boolean {
  if (depth > mostNested) return false;
  const { border, graph } = subgraph;
  return (border.inputs[port] ?? []).slice(0, mostTried).some((id) => {
    const target = graph.nodes.get(graph.links.get(id)?.target ?? "");
    const input = target?.inputs.find((each) => each.link === id);
    if (!target || !input) return false;
    if (input.widget !== undefined) return true;
    const nested = subgraphs.get(target.type);
    const inner = nested?.inputs.findIndex((each) => each.name === input.name) ?? -1;
    return nested !== undefined && inner >= 0 && reachesWidget(nested, inner, subgraphs, depth + 1);
  });
}
