import type { ObjectInfo } from "../../comfy/protocol.ts";
import { type Draft, type Drafts, limitsAround } from "./draft.ts";
import { imageInputs, splitAlphaMasks } from "./images.ts";
import { outputNodes } from "./outputs.ts";
import {
  conditioningLink,
  type Sampler,
  type Start,
  samplersOf,
  settingSlot,
  startOf,
} from "./sampling.ts";
import { type Texts, textsBehind } from "./texts.ts";
import type { GraphView } from "./view.ts";

export interface Walked {
  parameters: Drafts;
  outputs: string[];
}

export interface WalkOptions {
  /** Known beforehand: the binding beside the file names them. */
  outputs?: readonly string[] | undefined;
  objectInfo?: ObjectInfo | undefined;
  /** Leaves a mask in an image's alpha channel there. */
  keepAlphaMasks?: boolean | undefined;
}

/** Sizes must be multiples of what the model's latents are made of. */
const latentSteps: readonly number[] = [16, 8];
const bigSteps = /^Empty(SD3|Flux2|Hunyuan|Qwen)/;

/**
 * The parameters of a graph, found from its outputs back. It changes the graph where a parameter
 * needs it: width and height that come from one number, a mask in an alpha channel.
 */
export function walk(view: GraphView, options: WalkOptions = {}): Walked {
  const outputs = [...(options.outputs ?? outputNodes(view, options.objectInfo))];
  const parameters: Drafts = new Map();
  const samplers = samplersOf(view, outputs);
  const prompt = addTexts(view, parameters, samplers);
  if (prompt && options.keepAlphaMasks !== true) splitAlphaMasks(view, view.upstream(outputs));
  const reachable = view.upstream(outputs);
  const start = startOf(view, samplers);
  addImages(view, parameters, reachable, start);
  addSize(view, parameters, reachable, start);
  addSeeds(view, parameters, samplers, reachable);
  addSettings(view, parameters, samplers, prompt);
  addStrength(view, parameters, start);
  return { parameters, outputs };
}

function add(view: GraphView, parameters: Drafts, name: string, draft: Draft): void {
  const [first] = draft.slots;
  if (first === undefined) return;
  parameters.set(name, { ...draft, ...limitsAround(name, view.valueAt(first)) });
}

function addTexts(
  view: GraphView,
  parameters: Drafts,
  samplers: readonly Sampler[],
): Texts | undefined {
  const positive = textsOf(view, samplers, "positive");
  const negative = textsOf(view, samplers, "negative");
  if (!positive) return undefined;
  const prompts = sameText(view, positive.slots);
  add(view, parameters, "prompt", { slots: prompts, required: true });
  const others = negative?.slots.filter((slot) => !prompts.includes(slot)) ?? [];
  add(view, parameters, "negative_prompt", { slots: sameText(view, others) });
  return positive;
}

/** The texts of the sampler that has any; the other samplers' come after them. */
function textsOf(
  view: GraphView,
  samplers: readonly Sampler[],
  role: "positive" | "negative",
): Texts | undefined {
  const all = samplers.flatMap((sampler) => {
    const link = conditioningLink(view, sampler, role);
    return link ? [textsBehind(view, link, role)] : [];
  });
  const slots = [...new Set(all.flatMap((texts) => texts.slots))];
  if (slots.length === 0) return undefined;
  const guidance = all[0]?.guidance;
  return { slots, ...(guidance !== undefined && { guidance }) };
}

/** The first slot, the others of its node, and those elsewhere that hold the same text. */
function sameText(view: GraphView, slots: readonly string[]): string[] {
  const [first] = slots;
  if (first === undefined) return [];
  const node = first.slice(0, first.lastIndexOf(".") + 1);
  const text = view.valueAt(first);
  return slots.filter((slot) => slot.startsWith(node) || view.valueAt(slot) === text);
}

function addImages(
  view: GraphView,
  parameters: Drafts,
  reachable: readonly string[],
  start: Start | undefined,
): void {
  const { images, masks } = imageInputs(view, reachable, start?.image?.[0]);
  const number = (name: string, ids: readonly string[]) => {
    for (const [i, id] of ids.entries()) {
      parameters.set(i === 0 ? name : `${name}_${i + 1}`, { slots: [`${id}.image`] });
    }
  };
  number("image", images);
  number("mask", masks);
}

function addSize(
  view: GraphView,
  parameters: Drafts,
  reachable: readonly string[],
  start: Start | undefined,
): void {
  const { size } = start ?? {};
  if (size === undefined) return;
  detachSquare(view, size, reachable);
  const width = view.valueSlot(size, "width", "number");
  const height = view.valueSlot(size, "height", "number");
  if (width === undefined || height === undefined || width === height) return;
  const [w, h] = [view.valueAt(width), view.valueAt(height)];
  if (!(Number.isInteger(w) && Number.isInteger(h))) return;
  const slots = (own: string, place: 0 | 1) => [
    ...new Set([own, ...sizeSlots(view, reachable, [Number(w), Number(h)], place)]),
  ];
  const step = stepOf(view.classOf(size), Number(w), Number(h));
  const multipleOf = step === undefined ? {} : { multipleOf: step };
  add(view, parameters, "width", { slots: slots(width, 0), ...multipleOf });
  add(view, parameters, "height", { slots: slots(height, 1), ...multipleOf });
}

/** One number for both sides: each side gets its own, or a caller could only ask for squares. */
function detachSquare(view: GraphView, size: string, reachable: readonly string[]): void {
  const slot = view.valueSlot(size, "width", "number");
  if (slot === undefined || slot !== view.valueSlot(size, "height", "number")) return;
  const value = view.valueAt(slot);
  for (const id of reachable) {
    for (const side of ["width", "height"]) {
      const inputs = view.node(id)?.inputs;
      if (inputs && view.link(id, side) && view.valueSlot(id, side, "number") === slot) {
        inputs[side] = Number(value);
      }
    }
  }
}

/** Nodes that are told the same size, such as ModelSamplingFlux and Flux2Scheduler. */
function sizeSlots(
  view: GraphView,
  reachable: readonly string[],
  size: readonly [number, number],
  place: 0 | 1,
): string[] {
  const names = (prefix: string) => [`${prefix}width`, `${prefix}height`] as const;
  return reachable.flatMap((id) =>
    ["", "target_"].flatMap((prefix) => {
      const slots = names(prefix).map((name) => view.valueSlot(id, name, "number"));
      const same = slots.every((slot, i) => slot !== undefined && view.valueAt(slot) === size[i]);
      const slot = slots[place];
      return same && slot !== undefined && slots[0] !== slots[1] ? [slot] : [];
    }),
  );
}

/** No step the graph's own size does not keep. */
function stepOf(classType: string, width: number, height: number): number | undefined {
  const steps = bigSteps.test(classType) ? latentSteps : latentSteps.slice(1);
  return steps.find((step) => width % step === 0 && height % step === 0);
}

function addSeeds(
  view: GraphView,
  parameters: Drafts,
  samplers: readonly Sampler[],
  reachable: readonly string[],
): void {
  const slotsOf = (ids: readonly string[]) => [
    ...new Set(
      ids.flatMap((id) =>
        ["seed", "noise_seed"].flatMap((input) => view.valueSlot(id, input, "number") ?? []),
      ),
    ),
  ];
  // Other nodes' seeds, such as a language model's, often take smaller numbers only.
  const own = slotsOf(samplers.flatMap((sampler) => sampler.settings));
  const slots = own.length > 0 ? own : slotsOf(reachable);
  if (slots.length > 0) parameters.set("seed", { slots });
}

function addSettings(
  view: GraphView,
  parameters: Drafts,
  samplers: readonly Sampler[],
  texts: Texts | undefined,
): void {
  const [last] = samplers;
  if (!last) return;
  const one = (name: string, input: string, held: "number" | "string") => {
    const slot = settingSlot(view, last, [input], held);
    if (slot !== undefined) add(view, parameters, name, { slots: [slot] });
  };
  one("steps", "steps", "number");
  one("sampler", "sampler_name", "string");
  one("scheduler", "scheduler", "string");
  one("guidance", "cfg", "number");
  addSharedSteps(view, parameters, samplers);
  if (texts?.guidance === undefined) return;
  const cfg = settingSlot(view, last, ["cfg"], "number");
  // Without classifier-free guidance the negative text is computed and not used.
  if (cfg === undefined || view.valueAt(cfg) === 1) parameters.delete("negative_prompt");
  add(view, parameters, "guidance", { slots: [texts.guidance] });
}

/** KSamplerAdvanced nodes that run one schedule in turns need one number of steps. */
function addSharedSteps(view: GraphView, parameters: Drafts, samplers: readonly Sampler[]): void {
  const steps = parameters.get("steps");
  const [first] = steps?.slots ?? [];
  if (!steps || first === undefined) return;
  if (view.classOf(samplers[0]?.id ?? "") !== "KSamplerAdvanced") return;
  for (const { id } of samplers) {
    const slot = view.valueSlot(id, "steps", "number");
    const shares = view.classOf(id) === "KSamplerAdvanced" && slot !== undefined;
    if (shares && !steps.slots.includes(slot) && view.valueAt(slot) === view.valueAt(first)) {
      steps.slots.push(slot);
    }
  }
}

function addStrength(view: GraphView, parameters: Drafts, start: Start | undefined): void {
  if (!start?.image || !parameters.has("image")) return;
  const slot = settingSlot(view, start.sampler, ["denoise"], "number");
  if (slot !== undefined) add(view, parameters, "strength", { slots: [slot] });
}
