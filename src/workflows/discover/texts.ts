import { isLink, type Link } from "../../comfy/protocol.ts";
import type { GraphView } from "./view.ts";

/** Inputs of text encoders; some take the same text once per encoder model. */
const encoderInputs: readonly string[] = [
  "text",
  "prompt",
  "text_g",
  "text_l",
  "clip_l",
  "t5xxl",
  "llama",
  "value",
  "string",
];

/** Links that carry no text. */
const aside = /^(model|clip|vae|image|pixels|mask|latent|samples|control_net|style_model|clip_v)/;

export interface Texts {
  /** Slots of the texts, nearest encoder first. */
  slots: string[];
  /** The slot of a FLUX guidance on the way. */
  guidance?: string;
}

/** The texts behind a conditioning link. */
export function textsBehind(view: GraphView, start: Link, role: "positive" | "negative"): Texts {
  const queue = [start];
  const seen = new Set<string>();
  const slots = new Set<string>();
  let guidance: string | undefined;
  for (const [id] of queue) {
    // A zeroed conditioning has no text, whatever it was made from.
    if (seen.has(id) || view.classOf(id) === "ConditioningZeroOut") continue;
    seen.add(id);
    guidance ??= view.valueSlot(id, "guidance", "number");
    const own = encoderSlots(view, id, role);
    for (const slot of own) slots.add(slot);
    if (own.length === 0) queue.push(...conditioningLinks(view, id, role));
  }
  return { slots: [...slots], ...(guidance !== undefined && { guidance }) };
}

function encoderSlots(view: GraphView, id: string, role: string): string[] {
  // Loaders such as "Efficient Loader" encode the texts themselves.
  if (typeof view.input(id, role) === "string") return [`${id}.${role}`];
  return encoderInputs.flatMap((input) => view.valueSlot(id, input, "string") ?? []);
}

/** Nodes such as ControlNetApplyAdvanced pass both conditionings: each goes on as what it came. */
function conditioningLinks(view: GraphView, id: string, role: string): Link[] {
  const own = view.input(id, role);
  if (isLink(own)) return [own];
  const links = view.links(id).filter(({ input }) => input !== "positive" && input !== "negative");
  const named = links.filter(({ input }) => /cond/.test(input));
  const others = named.length > 0 ? named : links.filter(({ input }) => !aside.test(input));
  return others.map(({ link }) => link);
}
