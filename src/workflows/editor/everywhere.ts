import type { EditorGraph, EditorInput, EditorNode } from "./format.ts";
import { idOf, indexOf, isRecord, listOf, recordOf, typeOf } from "./json.ts";
import { everywhereTypes } from "./virtual.ts";

/**
 * cg-use-everywhere sends values to inputs that nothing is linked to. Its editor part writes the
 * links it would add into the file (`extra.ue_links`); older files lack them, and are matched here
 * as it does (`use_everywhere_classes.js`). Here both become links. Returns what is sent in a way
 * that the file does not tell enough about.
 */
export function addEverywhereLinks(graph: EditorGraph): string[] {
  const listed = listOf(graph.extra["ue_links"]);
  for (const [i, entry] of listed.entries()) {
    const link = recordOf(entry);
    const [origin, target] = [idOf(link["upstream"]), idOf(link["downstream"])];
    if (origin === undefined || target === undefined || !graph.nodes.has(origin)) continue;
    const targetSlot = indexOf(link["downstream_slot"]);
    const node = graph.nodes.get(target);
    if (node?.inputs[targetSlot]?.link !== undefined) continue;
    const from = { origin, originSlot: indexOf(link["upstream_slot"]), type: typeOf(link["type"]) };
    if (node) connect(graph, from, node, targetSlot, `ue:${i}`);
  }
  return listed.length > 0 ? [] : sendAll(graph);
}

interface Origin {
  origin: string;
  originSlot: number;
  type: string;
}

function connect(
  { links }: EditorGraph,
  from: Origin,
  target: EditorNode,
  targetSlot: number,
  id: string,
): void {
  const input = target.inputs[targetSlot];
  if (!input) return;
  input.link = id;
  links.set(id, { ...from, target: target.id, targetSlot });
}

/** What one input of a sender sends, and to which inputs. */
interface Sending {
  sender: string;
  from: Origin;
  /** The more is said about where it goes, the sooner it is taken. */
  rank: number;
  title: RegExp;
  input: RegExp;
}

const anything = /./s;
const positive = /(_|\b)pos(itive|_|\b)|^prompt/i;
const negative = /(_|\b)neg(ative|_|\b)/i;
const seeds = /seed/i;

function sendAll(graph: EditorGraph): string[] {
  const senders = [...graph.nodes.values()].filter(sendsSomething);
  const unclear = senders.filter(isNarrowed);
  const sendings = senders.filter((each) => !isNarrowed(each)).flatMap((e) => sendingsOf(graph, e));
  for (const node of graph.nodes.values()) {
    if (!takes(node)) continue;
    for (const [slot, input] of node.inputs.entries()) {
      const from = isOpen(node, input) ? senderFor(graph, node, input, sendings) : undefined;
      if (from) connect(graph, from, node, slot, `ue:${node.id}.${slot}`);
    }
  }
  return unclear.map(({ id }) => id);
}

/** Two of the same rank are ambiguous: nothing is sent then. */
function senderFor(
  graph: EditorGraph,
  node: EditorNode,
  { name, type }: EditorInput,
  sendings: readonly Sending[],
): Origin | undefined {
  const title = node.title ?? node.type;
  const fit = sendings.filter(
    (each) => each.from.type === type && each.title.test(title) && each.input.test(name),
  );
  const most = Math.max(...fit.map(({ rank }) => rank));
  const [first, second] = fit.filter(({ rank }) => rank === most);
  if (!first || second || dependsOn(graph, first.from.origin, node.id)) return undefined;
  return first.from;
}

function sendingsOf(graph: EditorGraph, node: EditorNode): Sending[] {
  const own =
    node.type === seedSender
      ? [{ origin: node.id, originSlot: 0, type: "INT" }]
      : node.inputs.map(({ link }) => originOf(graph, link));
  return own.flatMap((from, slot) =>
    from ? [{ sender: node.id, from, ...where(node, slot) }] : [],
  );
}

const seedSender = "Seed Everywhere";

function where(node: EditorNode, slot: number): Pick<Sending, "rank" | "title" | "input"> {
  switch (node.type) {
    case seedSender:
      return { rank: 1, title: anything, input: seeds };
    case "Prompts Everywhere":
      return { rank: 1, title: anything, input: slot === 0 ? positive : negative };
    case "Anything Everywhere?": {
      const [title, input] = Array.isArray(node.values) ? node.values : [];
      return { rank: 2, title: expression(title), input: expression(input) };
    }
    default:
      return { rank: 0, title: anything, input: anything };
  }
}

function expression(text: unknown): RegExp {
  try {
    return typeof text === "string" && text !== "" ? new RegExp(text) : anything;
  } catch {
    return anything;
  }
}

/** The type is that of the output which is sent on. */
function originOf({ nodes, links }: EditorGraph, id: string | undefined): Origin | undefined {
  const link = id === undefined ? undefined : links.get(id);
  if (!link) return undefined;
  const type = nodes.get(link.origin)?.outputs[link.originSlot] ?? link.type;
  return {
    origin: link.origin,
    originSlot: link.originSlot,
    type: type === "*" ? link.type : type,
  };
}

function sendsSomething({ type, mode, inputs }: EditorNode): boolean {
  if (mode !== 0) return false;
  if (type === seedSender) return true;
  return everywhereTypes.includes(type) && inputs.some(({ link }) => link !== undefined);
}

/** By groups, colours or the place on the canvas, which is not read here. */
function isNarrowed({ type, values, properties }: EditorNode): boolean {
  const group = Array.isArray(values) ? values[2] : undefined;
  const byGroup =
    type === "Anything Everywhere?" && ![undefined, "", ".*"].includes(group as string);
  const { ue_properties: newer } = properties;
  const all = { ...properties, ...(isRecord(newer) ? newer : {}) };
  return byGroup || ["group_restricted", "color_restricted"].some((key) => Boolean(all[key]));
}

function takes({ type, properties }: EditorNode): boolean {
  return !everywhereTypes.includes(type) && properties["rejects_ue_links"] !== true;
}

/** A widget counts only where its owner opened it; before frontend 1.16 only such ones were inputs. */
function isOpen(
  { properties, values, inputs }: EditorNode,
  { link, widget }: EditorInput,
): boolean {
  if (link !== undefined) return false;
  const { widget_ue_connectable: opened } = properties;
  if (widget === undefined || (isRecord(opened) && opened[widget] === true)) return true;
  const shown = inputs.filter((input) => input.widget !== undefined).length;
  return Array.isArray(values) && values.length - shown > mostHidden;
}

/** Widgets that are no inputs in newer files: the control of a seed. */
const mostHidden = 1;

/** Whether a node is made from another, so that a link back would close a circle. */
function dependsOn({ nodes, links }: EditorGraph, from: string, on: string): boolean {
  const seen = new Set([from]);
  for (const id of seen) {
    for (const { link } of nodes.get(id)?.inputs ?? []) {
      const origin = link === undefined ? undefined : links.get(link)?.origin;
      if (origin !== undefined) seen.add(origin);
    }
  }
  return seen.has(on);
}
