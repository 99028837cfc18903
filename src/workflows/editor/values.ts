import type { InputValue, NodeInfo } from "../../comfy/protocol.ts";
import type { EditorNode } from "./format.ts";
import { isRecord, type Json, own } from "./json.ts";
import { type Layout, layOut, unofferedOption, type Widget } from "./layout.ts";
import {
  dynamicCombo,
  hasUploadSlot,
  type InputDefinition,
  inputsOf,
  inputsOfOption,
  isSent,
  unsavedValue,
  widgetType,
} from "./widgets.ts";

/** What a node's widgets hold, as the editor would show them. */
export interface NodeValues {
  widgets: Widget[];
  notes: string[];
  problem?: string;
}

export function readValues(node: EditorNode, info: NodeInfo): NodeValues {
  const inputs = inputsOf(info);
  if (isRecord(node.values)) return byName(inputs, node.values);
  const slots = node.values ?? [];
  const upload = hasUploadSlot(inputs) ? 1 : 0;
  const fits = (layout: Layout) => {
    const rest = slots.length - layout.used;
    return layout.missing.length === 0 && rest >= 0 && rest <= upload;
  };
  const plain = layOut(inputs, slots);
  if (fits(plain) && plain.problem === undefined) return withoutNotes(plain);
  const forced = layOut(inputs, slots, { forced: true });
  if (fits(forced) && forced.problem === undefined) return withoutNotes(forced);
  if (node.named && slots.length > 0) {
    const named = byName(inputs, node.named);
    return { ...named, notes: ["its values are read by name: their list is of another version"] };
  }
  return { ...withoutNotes(plain), notes: tailNotes(plain, slots, upload) };
}

function withoutNotes({ widgets, problem }: Layout): NodeValues {
  return { widgets, notes: [], ...(problem !== undefined && { problem }) };
}

function tailNotes({ used }: Layout, slots: readonly unknown[], upload: number): string[] {
  const tail = slots.slice(used + upload).filter((value) => value !== "" && value !== null);
  if (tail.length === 0) return [];
  return [`the file holds ${tail.length} more values than this version of the node has`];
}

/** Some packs, and newer editors beside the list, keep the values by name. */
function byName(inputs: readonly InputDefinition[], named: Json): NodeValues {
  const found: NodeValues = { widgets: [], notes: [] };
  collectNamed(inputs, named, found);
  return found;
}

function collectNamed(inputs: readonly InputDefinition[], named: Json, found: NodeValues): void {
  for (const input of inputs) {
    const type = widgetType(input);
    if (type === undefined) continue;
    const { name, options } = input;
    const held = own(named, name);
    const value = held === undefined ? unsavedValue(input, type) : held;
    if (isSent(type)) found.widgets.push({ name, type, options, value });
    if (type !== dynamicCombo || value === undefined) continue;
    const more = inputsOfOption(input, value);
    if (Array.isArray(more)) collectNamed(more, named, found);
    else found.problem ??= unofferedOption(input, value, more.known);
  }
}

/** A widget's value as the prompt holds it; a list would be read as a link. */
export function promptValue(value: unknown, type: string): InputValue | undefined {
  if (value === undefined) return undefined;
  if (type === "CURVE") return { __type__: "CURVE", __value__: value };
  if (Array.isArray(value)) return { __value__: value };
  return value as InputValue;
}
