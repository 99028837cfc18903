import { type Drafts, limitsAround } from "./draft.ts";
import type { Passes } from "./passes.ts";
import { conditioningLink, type Sampler } from "./samplers.ts";
import { isTextInput, type Role } from "./text-inputs.ts";
import { chooseText, madeBy, type Text, textsBehind } from "./texts.ts";
import type { GraphView } from "./view.ts";
import type { Walked } from "./walk.ts";

const nameOf: Record<Role, string> = { positive: "prompt", negative: "negative_prompt" };
/** What else a node has that makes a picture from a text by itself, such as one of a paid API. */
const makes = /^(seed|size|aspect_ratio|resolution|n|num_images|quality|rendering_speed)$/;

/** Adds prompt and negative prompt; returns the slot of a FLUX guidance on the way. */
export function addTexts(view: GraphView, walked: Walked, passes: Passes): string | undefined {
  const prompt = add(view, walked, passes, "positive", []);
  if (prompt.length > 0) add(view, walked, passes, "negative", prompt);
  return textsOf(view, passes.main, "positive").guidance;
}

/** `taken` are slots that another text has already. */
function add(
  view: GraphView,
  { parameters, outputs, notes }: Walked,
  { all, main, first }: Passes,
  role: Role,
  taken: readonly string[],
): string[] {
  const free = (texts: readonly Text[]) =>
    texts.filter((text) => !text.slots.some((slot) => taken.includes(slot)));
  const name = nameOf[role];
  const own =
    all.length > 0 ? textsOf(view, first, role).texts : generatorTexts(view, outputs, role);
  const { slots, others } = chooseText(view, free(own), role);
  const [chosen] = slots;
  if (chosen === undefined) {
    if (others.length > 0) notes.push({ text: unsure(view, name, others), unless: [name] });
    return [];
  }
  // A sampler that shares the work takes part in the text, whatever the author wrote there.
  const shared = main.map((sampler) =>
    chooseText(view, free(textsOf(view, [sampler], role).texts), role),
  );
  // A refiner or detailer follows where it has the same text.
  const same = free(textsOf(view, all, role).texts).filter(
    ({ slots: [slot = ""] }) => view.valueAt(slot) === view.valueAt(chosen),
  );
  const followers = [...shared, ...same].flatMap((each) => each.slots);
  const bound = [...new Set([...followers, ...slots])];
  addDraft(view, parameters, name, bound, role === "positive");
  if (role === "positive") addLyrics(view, parameters, bound);
  const fixed = others.filter((slot) => view.valueAt(slot) !== "" && !bound.includes(slot));
  if (fixed.length > 0) {
    const text = `beside ${name} these texts stay as they are: ${shown(view, fixed)}`;
    notes.push({ text, unless: [] });
  }
  return bound;
}

/** The encoders of songs take what is sung beside what it sounds like. */
function addLyrics(view: GraphView, parameters: Drafts, prompt: readonly string[]): void {
  const encoders = prompt.map((slot) => slot.slice(0, slot.lastIndexOf(".")));
  const slots = encoders.flatMap((id) => view.valueSlot(id, "lyrics", "string") ?? []);
  if (slots.length > 0) parameters.set("lyrics", { slots, description: "The words that are sung" });
}

function addDraft(
  view: GraphView,
  parameters: Drafts,
  name: string,
  slots: string[],
  required: boolean,
): void {
  const limits = limitsAround(name, view.valueAt(slots[0] ?? ""));
  parameters.set(name, { slots, ...(required && { required }), ...limits });
}

function unsure(view: GraphView, name: string, slots: readonly string[]): string {
  return `${name} is not offered, for it could be one of several texts: ${shown(view, slots)}; to offer one, name its slot in a binding`;
}

const longest = 40;

export function shown(view: GraphView, slots: readonly string[]): string {
  const texts = slots.map((slot) => {
    const text = String(view.valueAt(slot)).replace(/\s+/g, " ");
    return `${slot} ("${text.length > longest ? `${text.slice(0, longest)}…` : text}")`;
  });
  return texts.join(", ");
}

function textsOf(
  view: GraphView,
  samplers: readonly Sampler[],
  role: Role,
): { texts: Text[]; guidance?: string } {
  const all = samplers.flatMap((sampler) => {
    const link = conditioningLink(view, sampler, role);
    return link ? [textsBehind(view, link, role)] : [];
  });
  const guidance = all.find((each) => each.guidance !== undefined)?.guidance;
  const texts = all.flatMap((each) => each.texts);
  return { texts, ...(guidance !== undefined && { guidance }) };
}

/** The texts of the nearest node that makes a picture from a text without a sampler. */
function generatorTexts(view: GraphView, outputs: readonly string[], role: Role): Text[] {
  for (const id of view.upstream(outputs)) {
    const inputs = Object.keys(view.node(id)?.inputs ?? {});
    if (!inputs.some(isTextInput) || !inputs.some((input) => makes.test(input))) continue;
    const texts = madeBy(view, id, role, new Set());
    if (texts.length > 0) return texts.map((text) => ({ ...text, isPart: false }));
  }
  return [];
}

/** Says which texts a graph has, where no parameter is one of them. */
export function noteTexts(view: GraphView, { parameters, outputs, notes }: Walked): void {
  const isText = (slot: string) => isTextInput(slot.slice(slot.lastIndexOf(".") + 1));
  const offered = [...parameters.values()].some((draft) => draft.slots.some(isText));
  if (offered || notes.some(({ unless }) => unless.includes("prompt"))) return;
  const slots = view
    .upstream(outputs)
    .flatMap((id) =>
      Object.entries(view.node(id)?.inputs ?? {}).flatMap(([input, value]) =>
        typeof value === "string" && value !== "" && isTextInput(input) ? [`${id}.${input}`] : [],
      ),
    );
  if (slots.length === 0) return;
  const text = `no prompt was found; texts are ${shown(view, slots)}; to offer one, name its slot in a binding`;
  notes.push({ text, unless: ["prompt"] });
}
