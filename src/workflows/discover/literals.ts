import { scaledValue } from "../check-value.ts";
import { knownParameter } from "../known-parameters.ts";
import type { Drafts } from "./draft.ts";
import type { GraphView } from "./view.ts";

/** Seeds go to 2^64 in ComfyUI; JSON in JavaScript rounds those up and ComfyUI then refuses them. */
export function clampSeeds(view: GraphView, drafts: Drafts): void {
  for (const node of Object.values(view.graph)) {
    for (const [input, value] of Object.entries(node.inputs)) {
      if (typeof value === "number" && /seed/i.test(input)) node.inputs[input] = highest(value);
    }
  }
  for (const slot of drafts.get("seed")?.slots ?? []) {
    const value = view.valueAt(slot);
    // "-1" means random in some nodes; here a seed is drawn anyway.
    if (typeof value === "number") setValue(view, slot, Math.max(0, Math.trunc(highest(value))));
  }
}

function highest(value: number): number {
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

/** The slots of one parameter get one value in the graph: that of the first. */
export function unify(view: GraphView, drafts: Drafts): void {
  for (const [name, draft] of drafts) {
    const { slots, times = {} } = draft;
    const [first, ...others] = slots;
    const value = first === undefined ? undefined : view.valueAt(first);
    if (typeof value !== "number" && typeof value !== "string" && typeof value !== "boolean")
      continue;
    for (const slot of others) {
      const factor = times[slot];
      // A part of the value is what the author wrote there; the check of the binding rounds alike.
      if (factor === undefined) setValue(view, slot, value);
      else setPart(view, slot, { name, whole: value, factor });
    }
  }
}

/** What the slot gets when nobody asks for anything else, rounded as it will be. */
function setPart(
  view: GraphView,
  slot: string,
  { name, whole, factor }: { name: string; whole: unknown; factor: number },
): void {
  if (typeof whole !== "number") return;
  const type = knownParameter(name)?.type === "integer" ? "integer" : "number";
  setValue(view, slot, scaledValue(whole * factor, { name, type }));
}

function setValue(view: GraphView, slot: string, value: string | number | boolean): void {
  const dot = slot.lastIndexOf(".");
  const inputs = view.node(slot.slice(0, dot))?.inputs;
  if (inputs) inputs[slot.slice(dot + 1)] = value;
}
