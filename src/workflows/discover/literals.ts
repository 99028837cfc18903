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
  for (const { slots } of drafts.values()) {
    const [first, ...others] = slots;
    const value = first === undefined ? undefined : view.valueAt(first);
    const isLiteral = ["string", "number", "boolean"].includes(typeof value);
    for (const slot of isLiteral ? others : []) setValue(view, slot, value as string | number);
  }
}

function setValue(view: GraphView, slot: string, value: string | number): void {
  const dot = slot.lastIndexOf(".");
  const inputs = view.node(slot.slice(0, dot))?.inputs;
  if (inputs) inputs[slot.slice(dot + 1)] = value;
}
