/** Which values of a group node's list belong to which of its inner nodes. */
import type { NodeInfo } from "../../comfy/protocol.ts";
import { type EditorNode, nodeOf } from "./format.ts";
import { isRecord, type Json, listOf, own } from "./json.ts";
import { isControl, layOut } from "./layout.ts";
import { virtualKind } from "./virtual.ts";
import { hasUploadSlot, inputsOf } from "./widgets.ts";

export function groupName(type: string): string | undefined {
  return /^workflow[>/](.+)$/s.exec(type)?.[1];
}

export interface GroupContent {
  nodes: EditorNode[];
  definition: Json;
}

export function contentOf(definition: unknown): GroupContent | { problem: string } {
  if (!isRecord(definition)) return { problem: "the file does not hold what is in it" };
  const nodes = listOf(definition["nodes"]).map((data, i) => nodeOf(data, String(i)));
  if (nodes.some((node) => node === undefined)) return { problem: "what is in it cannot be read" };
  return { nodes: nodes as EditorNode[], definition };
}

export interface Known {
  infoOf: (node: EditorNode) => NodeInfo | undefined;
  definitions: Readonly<Record<string, unknown>>;
}

/** Widgets without a slot: none; those that are linked inside; all that are inputs. */
export const skipped = ["none", "linked", "inputs"] as const;
type Skipped = (typeof skipped)[number];

interface OwnSlots {
  widgets: string[];
  values: EditorNode["values"];
  /** Where the slots of the next node begin. */
  end: number;
  isShort?: boolean;
}

interface Spread {
  /** By the number of the inner node; undefined for one without widgets. */
  nodes: (OwnSlots | undefined)[];
  end: number;
  /** A widget of an inner node was left without a slot. */
  isShort: boolean;
}

/** How the slots of a group fall to its inner nodes, one after another. */
export function spread(
  { nodes, definition }: GroupContent,
  slots: readonly unknown[],
  skip: Skipped,
  known: Known,
  from = 0,
): Spread | { problem: string } {
  const found: Spread = { nodes: [], end: from, isShort: false };
  for (const [i, node] of nodes.entries()) {
    const name = groupName(node.type);
    const inner =
      name === undefined ? undefined : spreadNested(name, slots, skip, known, found.end);
    if (inner && "problem" in inner) return inner;
    const own = inner ?? spreadPrimitive(node, i, definition, slots, found.end);
    if (own) {
      found.nodes[i] = own;
      found.end = own.end;
      found.isShort ||= own.isShort === true;
    } else if (virtualKind(node.type) !== "primitive") {
      found.end = spreadNode(node, i, { found, definition, slots, skip, known });
    }
  }
  return found;
}

function spreadNested(
  name: string,
  slots: readonly unknown[],
  skip: Skipped,
  known: Known,
  at: number,
): OwnSlots | { problem: string } {
  const inner = contentOf(own(known.definitions, name));
  const within =
    "problem" in inner ? inner : spread(inner, slots, skip, withoutItself(known, name), at);
  if ("problem" in within) return within;
  const { end, isShort } = within;
  return { widgets: [], values: slots.slice(at, end), end, isShort };
}

/** One that nothing inside is linked to has no slot. */
function spreadPrimitive(
  { type }: EditorNode,
  i: number,
  definition: Json,
  slots: readonly unknown[],
  at: number,
): OwnSlots | undefined {
  if (virtualKind(type) !== "primitive") return undefined;
  if (!listOf(definition["links"]).some((link) => listOf(link)[0] === i)) return undefined;
  const hasControl = typeof slots[at + 1] === "string" && isControl(slots[at + 1]);
  return { widgets: ["value"], values: [slots[at]], end: at + (hasControl ? 2 : 1) };
}

/** A group that holds itself would not end. */
function withoutItself({ infoOf, definitions }: Known, name: string): Known {
  return { infoOf, definitions: { ...definitions, [name]: undefined } };
}

function spreadNode(
  node: EditorNode,
  i: number,
  {
    found,
    definition,
    slots,
    skip,
    known,
  }: { found: Spread; definition: Json; slots: readonly unknown[]; skip: Skipped; known: Known },
): number {
  const from = found.end;
  // An unknown class is refused by name later on.
  const info = virtualKind(node.type) === undefined ? known.infoOf(node) : undefined;
  if (!info) return from;
  const all = inputsOf(info);
  const gone = new Set(skippedInputs(node, i, definition, skip));
  const inputs = all.filter(({ name }) => !gone.has(name));
  const { used, widgets, missing } = layOut(inputs, slots, { from });
  found.isShort ||= missing.length > 0;
  const end = from + used;
  const upload = hasUploadSlot(inputs) && typeof slots[end] === "string" ? 1 : 0;
  const named = widgets.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
  found.nodes[i] = {
    widgets: widgets.map(({ name }) => name),
    end: end + upload,
    values:
      inputs.length === all.length ? slots.slice(from, end + upload) : Object.fromEntries(named),
  };
  return end + upload;
}

function skippedInputs(
  { inputs }: EditorNode,
  i: number,
  definition: Json,
  skip: Skipped,
): string[] {
  if (skip === "none") return [];
  const links = listOf(definition["links"]).map(listOf);
  const isLinked = (slot: number) =>
    links.some(([from, , to, at]) => typeof from === "number" && to === i && at === slot);
  return inputs.flatMap(({ name, widget }, slot) =>
    widget !== undefined && (skip === "inputs" || isLinked(slot)) ? [name] : [],
  );
}
