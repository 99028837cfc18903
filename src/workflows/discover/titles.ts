import type { ParameterType } from "../known-parameters.ts";
import type { Declaration } from "./declared.ts";
import { isLoader, placeholderImage } from "./images.ts";
import { titleOf } from "./node-title.ts";
import { byId, type GraphView, type Held } from "./view.ts";

/** `input;Display Name;optional;order=1;custom_id=name;…`, as Visionatrix writes node titles. */
const inputTitle = /^\s*input\s*;/i;

/** The inputs a title can mean, by the kind of value; the first that is there. */
const titled: readonly [Held, readonly string[]][] = [
  ["string", ["text", "prompt", "text_g", "t5xxl", "value", "string"]],
  ["number", ["value", "int", "float", "number", "seed", "noise_seed"]],
  ["boolean", ["value", "state", "boolean"]],
];

export interface Titles {
  declarations: Declaration[];
  notes: string[];
}

/** Reads the titles; an optional image that the graph leaves empty is taken out of it, in place. */
export function readTitles(view: GraphView): Titles {
  const found: Titles = { declarations: [], notes: [] };
  for (const id of Object.keys(view.graph).sort(byId)) {
    const title = titleOf(view.node(id));
    if (!inputTitle.test(title)) continue;
    const declaration = { ...parseTitle(title), ...target(view, id) };
    if (declaration.slots.length === 0) {
      found.notes.push(
        `node ${id} (${view.classOf(id)}) is titled "${title}" but holds no value a parameter could set; title the node that does`,
      );
    } else if (isEmptyImage(view, id) && declaration.optional) {
      disconnect(view, id);
      found.notes.push(
        `the optional image "${declaration.label}" is not offered; the workflow runs without it`,
      );
    } else found.declarations.push(declaration);
  }
  return found;
}

/** Parts after the display name are case-insensitive and come in any order. */
export function parseTitle(title: string): Omit<Declaration, "slots"> {
  const [, label = "", ...rest] = title.split(";").map((part) => part.trim());
  const parts = rest.map((part) => part.toLowerCase());
  const partOf = (key: string) =>
    parts
      .find((part) => part.startsWith(`${key}=`))
      ?.slice(key.length + 1)
      .trim();
  const order = Number(partOf("order") ?? Number.NaN);
  return {
    label,
    id: partOf("custom_id") ?? "",
    optional: parts.includes("optional"),
    hidden: parts.includes("hidden"),
    order: Number.isFinite(order) ? order : 99,
  };
}

function target(view: GraphView, id: string): Pick<Declaration, "slots" | "type"> {
  if (isLoader(view, id)) return { slots: [`${id}.image`], type: "image" };
  for (const [held, names] of titled) {
    const slots = names.flatMap((name) => view.valueSlot(id, name, held) ?? []);
    const [slot] = slots;
    if (slot !== undefined) return { slots: [slot], type: typeOf(view, id, held) };
  }
  return { slots: [] };
}

/** JSON does not tell 1 from 1.0; the class of a primitive does. */
function typeOf(view: GraphView, id: string, held: Held): ParameterType {
  if (held !== "number") return held;
  return /int|seed/i.test(view.classOf(id)) ? "integer" : "number";
}

function isEmptyImage(view: GraphView, id: string): boolean {
  return isLoader(view, id) && view.input(id, "image") === "";
}

function disconnect(view: GraphView, id: string): void {
  for (const { node, input } of view.uses(id)) delete view.node(node)?.inputs[input];
  delete view.graph[id];
}

/** An image input must name a file, and the one it names is replaced by the caller's. */
export function fillEmptyImages(view: GraphView): void {
  for (const id of Object.keys(view.graph)) {
    const inputs = view.node(id)?.inputs;
    if (inputs && isEmptyImage(view, id)) inputs["image"] = placeholderImage;
  }
}
