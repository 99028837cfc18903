import { isLink, type Link } from "../../comfy/protocol.ts";
import { handedOn } from "./handed-on.ts";
import { titleOf } from "./node-title.ts";
import { namesRole, type Role, textInputs } from "./text-inputs.ts";
import type { GraphView } from "./view.ts";

/** Links that carry no text. */
const aside =
  /^(model|clip|vae|images?|pixels|mask|latent|samples|control_net|style_model|clip_v|bbox|gligen)/;
/** Nodes whose text is not what the picture shows: names of LoRAs, questions about an image. */
const otherText = /lora|trigger|caption|florence|joy|wd14|interrogat|tagger|vqa|gligen/i;
const limitsArea = /SetArea|SetMask|AreaStrength|Regional/;

/** A text that steers the result. All its slots get the same: one encoder may take it twice. */
export interface Text {
  slots: string[];
  /** The node that holds it. */
  node: string;
  /** It is for a part of the picture only. */
  isLocal: boolean;
  /** It is a fixed part of a join, beside texts that have nodes of their own. */
  isPart: boolean;
}

export interface Texts {
  /** Nearest encoder first. */
  texts: Text[];
  /** The slot of a FLUX guidance on the way. */
  guidance?: string;
}

/** The texts behind a conditioning link. */
export function textsBehind(view: GraphView, start: Link, role: Role): Texts {
  const queue = [{ id: start[0], isLocal: false }];
  const seen = new Set<string>();
  const texts: Text[] = [];
  let guidance: string | undefined;
  for (const { id, isLocal } of queue) {
    // A zeroed conditioning has no text, whatever it was made from.
    if (seen.has(id) || view.classOf(id) === "ConditioningZeroOut") continue;
    seen.add(id);
    guidance ??= view.valueSlot(id, "guidance", "number");
    const own = encoded(view, id, role);
    texts.push(...own.map((text) => ({ ...text, isLocal })));
    if (own.length > 0) continue;
    const local = isLocal || limitsArea.test(view.classOf(id));
    for (const [next] of conditioningLinks(view, id, role))
      queue.push({ id: next, isLocal: local });
  }
  return { texts, ...(guidance !== undefined && { guidance }) };
}

/** What an encoder is given: one text where each of its inputs has one. */
function encoded(view: GraphView, id: string, role: Role): Text[] {
  // A text beside a conditioning is for a part of it.
  const changes = view
    .links(id)
    .some(({ input }) => /^(conditioning|positive|negative)/.test(input));
  if (changes && !namesRole(view, id, role)) return [];
  const inputs = textInputs(view, id, role).map((name) => textsAt(view, id, name, role, new Set()));
  const found = inputs.filter((texts) => texts.length > 0);
  if (found.some((texts) => texts.length > 1)) return found.flat();
  const slots = [...new Set(found.flatMap(([text]) => text?.slots ?? []))];
  return slots.length > 0 ? [{ ...textOf(id, slots), node: found[0]?.[0]?.node ?? id }] : [];
}

function textOf(node: string, slots: string[]): Text {
  return { slots, node, isLocal: false, isPart: false };
}

/** The texts that an input of a node is made of. */
function textsAt(
  view: GraphView,
  id: string,
  input: string,
  role: Role,
  seen: ReadonlySet<string>,
): Text[] {
  const value = view.input(id, input);
  if (typeof value === "string") return [textOf(id, [`${id}.${input}`])];
  return isLink(value) ? madeBy(view, value[0], role, seen) : [];
}

/** The texts that the text of a node is made of. */
export function madeBy(
  view: GraphView,
  id: string,
  role: Role,
  before: ReadonlySet<string>,
): Text[] {
  if (before.has(id) || before.size > 40 || otherText.test(view.classOf(id))) return [];
  const seen = new Set([...before, id]);
  const handed = handedOn(view, id);
  if (handed !== undefined) return textsAt(view, id, handed, role, seen);
  const names = textInputs(view, id, role);
  const [wildcards] = names.filter((name) => name === "wildcard_text");
  // The Impact Pack fills one with what it draws from the other.
  if (wildcards !== undefined) return [textOf(id, wildcardSlots(view, id, names))];
  const others = view.links(id).filter(({ input }) => !aside.test(input));
  const inputs = names.length > 0 ? names : others.map(({ input }) => input);
  const filled = inputs.filter((name) => view.input(id, name) !== "");
  const texts = (filled.length > 0 ? filled : inputs.slice(0, 1)).flatMap((name) => {
    const isPart = inputs.length > 1 && typeof view.input(id, name) === "string";
    return textsAt(view, id, name, role, seen).map((text) => (isPart ? { ...text, isPart } : text));
  });
  return texts;
}

function wildcardSlots(view: GraphView, id: string, names: readonly string[]): string[] {
  return names
    .filter((name) => name.endsWith("_text") && typeof view.input(id, name) === "string")
    .map((name) => `${id}.${name}`);
}

/** Nodes such as ControlNetApplyAdvanced pass both conditionings: each goes on as what it came. */
function conditioningLinks(view: GraphView, id: string, role: Role): Link[] {
  const own = view.input(id, role);
  if (isLink(own)) return [own];
  const handed = handedOn(view, id);
  const chosen = handed === undefined ? undefined : view.link(id, handed);
  if (chosen) return [chosen];
  const links = view.links(id).filter(({ input }) => input !== "positive" && input !== "negative");
  const named = links.filter(({ input }) => /cond/.test(input));
  const others = named.length > 0 ? named : links.filter(({ input }) => !aside.test(input));
  return others.map(({ link }) => link);
}

export interface Choice {
  /** Slots of the text that is meant; empty when none is, or none for sure. */
  slots: string[];
  /** Texts that were found as well and hold something else. */
  others: string[];
}

const wanted: Record<Role, RegExp> = {
  positive: /positive|prompt|subject|scene/i,
  negative: /neg/i,
};
const unwanted: Record<Role, RegExp> = {
  positive: /negative|style|quality|trigger|system|prefix|suffix|artist/i,
  negative: /positive|style|prefix|suffix/i,
};

/** The one text that is meant among those found, or none when that is not sure. */
export function chooseText(view: GraphView, texts: readonly Text[], role: Role): Choice {
  const rules: ((text: Text) => boolean)[] = [
    (text) => !text.isLocal,
    (text) => !text.isPart,
    (text) => wanted[role].test(titleFor(view, text)) && !unwanted[role].test(titleFor(view, text)),
    (text) => !unwanted[role].test(titleFor(view, text)),
  ];
  let left = [...texts];
  for (const rule of rules) {
    const kept = left.filter(rule);
    if (kept.length > 0 && isOne(view, left) === false) left = kept;
  }
  const all = [...new Set(texts.flatMap(({ slots }) => slots))];
  if (!isOne(view, left)) return { slots: [], others: all };
  const [first] = left.flatMap(({ slots }) => slots);
  const value = first === undefined ? undefined : view.valueAt(first);
  const same = texts.filter(({ slots: [slot = ""] }) => view.valueAt(slot) === value);
  const slots = [...new Set([...left, ...same].flatMap((text) => text.slots))];
  return { slots, others: all.filter((slot) => !slots.includes(slot)) };
}

function isOne(view: GraphView, texts: readonly Text[]): boolean {
  return new Set(texts.map(({ slots: [slot = ""] }) => view.valueAt(slot))).size <= 1;
}

function titleFor(view: GraphView, { node }: Text): string {
  return `${titleOf(view.node(node))} ${view.classOf(node)}`;
}
