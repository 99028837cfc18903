import {
  conditioningLink,
  type Sampler,
  samplersBefore,
  samplersBehind,
  samplersOf,
  settingSlot,
} from "./samplers.ts";
import { textsBehind } from "./texts.ts";
import type { GraphView } from "./view.ts";

export interface Passes {
  /** Samplers that make the picture together, the last to run first. */
  main: Sampler[];
  /** All of them, those that only refine or repair included. */
  all: Sampler[];
  /** Of the main ones, those that start it. */
  first: Sampler[];
}

/** Below it a pass keeps what is there and works on details. */
const leastShare = 0.75;
const repairs = /detailer|tile|UltimateSDUpscale/i;

/** Tells the samplers that make the picture from those that work on it afterwards. */
export function passesOf(view: GraphView, outputs: readonly string[]): Passes {
  const all = samplersOf(view, outputs);
  const before = new Map(all.map((each) => [each, samplersBefore(view, all, each)]));
  const ends = new Set(outputs.flatMap((id) => samplersBehind(view, all, [[id, 0]])));
  const main = new Set<Sampler>();
  const first = new Set<Sampler>();
  for (const end of ends) {
    const chain = chainOf(end, before);
    const begin = beginOf(view, chain, before);
    for (const each of begin) {
      first.add(each);
      main.add(each);
    }
    // From the begin to the end: what goes on with a main one may be one too.
    for (const each of chain.toReversed()) {
      const goesOn = (before.get(each) ?? []).some((earlier) => main.has(earlier));
      if (goesOn && sharesWork(view, each)) main.add(each);
    }
  }
  return { main: all.filter((each) => main.has(each)), all, first: [...first] };
}

/** The sampler and all before it, the last first. */
function chainOf(end: Sampler, before: ReadonlyMap<Sampler, Sampler[]>): Sampler[] {
  const chain = new Set([end]);
  for (const each of chain) for (const earlier of before.get(each) ?? []) chain.add(earlier);
  return [...chain];
}

/** Those that have none before them; with a text, where any of the chain has one. */
function beginOf(
  view: GraphView,
  chain: readonly Sampler[],
  before: ReadonlyMap<Sampler, Sampler[]>,
): Sampler[] {
  const firsts = chain.filter((each) => (before.get(each) ?? []).length === 0);
  const steered = firsts.filter((each) => hasText(view, each));
  if (steered.length > 0) return steered;
  const later = chain.findLast((each) => hasText(view, each));
  return later ? [later] : firsts;
}

function hasText(view: GraphView, sampler: Sampler): boolean {
  const link = conditioningLink(view, sampler, "positive");
  return link !== undefined && textsBehind(view, link, "positive").texts.length > 0;
}

/** A later sampler that goes on with the schedule of the one before, or begins nearly anew. */
function sharesWork(view: GraphView, sampler: Sampler): boolean {
  if (repairs.test(view.classOf(sampler.id))) return false;
  if (view.input(sampler.id, "start_at_step") !== undefined) return true;
  if (sampler.settings.some((id) => view.classOf(id).startsWith("SplitSigmas"))) return true;
  const link = conditioningLink(view, sampler, "positive");
  if (link && view.link(link[0], "stage_c")) return false;
  const denoise = settingSlot(view, sampler, ["denoise", "denoise_strength"], "number");
  const isNew = denoise !== undefined && Number(view.valueAt(denoise)) >= leastShare;
  return isNew && hasText(view, sampler);
}
