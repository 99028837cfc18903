import { type Draft, limitsAround } from "./draft.ts";
import type { Passes } from "./passes.ts";
import { type Sampler, type Start, settingSlot } from "./samplers.ts";
import type { GraphView, Held } from "./view.ts";
import type { Walked } from "./walk.ts";

const settings: readonly (readonly [string, readonly string[], Held])[] = [
  ["steps", ["steps"], "number"],
  ["sampler", ["sampler_name", "sampler"], "string"],
  ["scheduler", ["scheduler"], "string"],
  ["guidance", ["cfg", "true_gs", "cfg_scale", "guidance_scale", "cfg_scale_start"], "number"],
];
/** From this many steps on, an end means "to the end". */
const endless = 1_000;

/** Adds what all samplers share that make the picture; `fluxGuidance` is the slot of one, if any. */
export function addSettings(
  view: GraphView,
  walked: Walked,
  { main }: Passes,
  fluxGuidance: string | undefined,
): void {
  const { parameters, notes } = walked;
  for (const [name, inputs, held] of settings) {
    const draft = sharedSetting(view, main, inputs, held);
    if (draft) parameters.set(name, withLimits(view, name, draft));
  }
  followSteps(view, parameters.get("steps"), main);
  const cfg = parameters.get("guidance");
  const isOff = cfg === undefined || view.valueAt(cfg.slots[0] ?? "") === 1;
  if (fluxGuidance !== undefined) {
    // Without classifier-free guidance the negative text is computed and not used.
    if (isOff) parameters.delete("negative_prompt");
    parameters.set("guidance", withLimits(view, "guidance", { slots: [fluxGuidance] }));
    return;
  }
  if (!isOff || cfg === undefined) return;
  const slots = cfg.slots.join(", ");
  const gone = parameters.delete("negative_prompt")
    ? "guidance and negative_prompt are"
    : "guidance is";
  parameters.delete("guidance");
  const text = `${gone} not offered: the workflow runs without it (cfg is 1 in ${slots}), as distilled models do`;
  notes.push({ text, unless: ["guidance", "negative_prompt"] });
}

function withLimits(view: GraphView, name: string, draft: Draft): Draft {
  const first = draft.slots[0] ?? "";
  const value = Number(view.valueAt(first)) / (draft.times?.[first] ?? 1);
  return { ...draft, ...limitsAround(name, Number.isNaN(value) ? undefined : value) };
}

/** A number keeps its proportion among the samplers; a name goes where it is the same. */
function sharedSetting(
  view: GraphView,
  main: readonly Sampler[],
  inputs: readonly string[],
  held: Held,
): Draft | undefined {
  const found = main.flatMap((sampler) => settingSlot(view, sampler, inputs, held) ?? []);
  const slots = inputs.includes("cfg") ? guided(view, found) : [...new Set(found)];
  const [first] = slots;
  if (first === undefined) return undefined;
  const value = view.valueAt(first);
  if (held !== "number") return { slots: slots.filter((slot) => view.valueAt(slot) === value) };
  const times: Record<string, number> = {};
  for (const slot of slots) {
    const ratio = Number(view.valueAt(slot)) / Number(value);
    if (ratio !== 1 && Number.isFinite(ratio) && ratio > 0) times[slot] = ratio;
  }
  const kept = slots.filter((slot) => view.valueAt(slot) === value || times[slot] !== undefined);
  return { slots: kept, ...(Object.keys(times).length > 0 && { times }) };
}

/** Where one of two samplers goes without guidance, only the other's can be set. */
function guided(view: GraphView, slots: readonly string[]): string[] {
  const on = slots.filter((slot) => view.valueAt(slot) !== 1);
  return [...new Set(on.length > 0 ? on : slots)];
}

/** Where samplers take turns, each begins and ends at its share of the steps. */
function followSteps(view: GraphView, draft: Draft | undefined, main: readonly Sampler[]): void {
  const [first] = draft?.slots ?? [];
  if (!draft || first === undefined) return;
  const steps = Number(view.valueAt(first));
  for (const slot of stepSlots(view, main)) {
    const at = Number(view.valueAt(slot));
    if (draft.slots.includes(slot) || at <= 0 || at >= endless) continue;
    draft.slots.push(slot);
    if (at !== steps) draft.times = { ...draft.times, [slot]: at / steps };
  }
}

const turns: readonly string[] = ["start_at_step", "end_at_step", "start_step", "end_step"];

function stepSlots(view: GraphView, main: readonly Sampler[]): string[] {
  const ids = new Set(main.flatMap((sampler) => sampler.settings));
  return [...ids].flatMap((id) => {
    const inputs = view.classOf(id).startsWith("SplitSigmas") ? ["step"] : turns;
    return inputs.flatMap((input) => view.valueSlot(id, input, "number") ?? []);
  });
}

/** How much of an image stays: the denoise of the sampler that starts from it. */
export function addStrength(
  view: GraphView,
  { parameters }: Walked,
  { first }: Passes,
  starts: readonly Start[],
): void {
  const [sampler] = first;
  if (!sampler || !starts.some(({ image }) => image) || !parameters.has("image")) return;
  const slot = settingSlot(view, sampler, ["denoise", "denoise_strength"], "number");
  if (slot !== undefined) {
    parameters.set("strength", withLimits(view, "strength", { slots: [slot] }));
  }
}
