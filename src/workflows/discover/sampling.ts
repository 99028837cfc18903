import type { Link } from "../../comfy/protocol.ts";
import type { GraphView } from "./view.ts";

const samplerClass = /^(KSampler|SamplerCustom)/;
/** Inputs that lead from a sampler to the nodes that hold its settings. */
const settingInputs = /^(sigmas|sampler|guider|noise)(_?\d)?$/;
const latentInputs: readonly string[] = ["latent_image", "latent", "samples"];
const imageInputs: readonly string[] = ["pixels", "image", "images"];

/** A sampler with the nodes that hold its settings, nearest first (itself included). */
export interface Sampler {
  id: string;
  settings: string[];
}

/** Where a sampler starts: an empty latent with a size, or an image. */
export interface Start {
  size?: string;
  image?: Link;
  /** The sampler that gets this latent; a later one only refines. */
  sampler: Sampler;
}

/** The samplers an output depends on, the last to run first. */
export function samplersOf(view: GraphView, outputs: readonly string[]): Sampler[] {
  return view
    .upstream(outputs)
    .filter((id) => isSampler(view, id))
    .map((id) => ({ id, settings: settingsOf(view, id) }));
}

function isSampler(view: GraphView, id: string): boolean {
  // KSamplerSelect holds a name and has no links.
  if (samplerClass.test(view.classOf(id))) return view.links(id).length > 0;
  const has = (input: string) => view.input(id, input) !== undefined;
  const seeded = has("seed") || has("noise_seed");
  return view.link(id, "positive") !== undefined && seeded && has("steps");
}

function settingsOf(view: GraphView, id: string): string[] {
  const found = new Set([id]);
  for (const each of found) {
    for (const { input, link } of view.links(each)) {
      if (settingInputs.test(input)) found.add(link[0]);
    }
  }
  return [...found];
}

/** The first of these inputs that one of a sampler's nodes has a value for. */
export function settingSlot(
  view: GraphView,
  sampler: Sampler,
  inputs: readonly string[],
  held: "number" | "string",
): string | undefined {
  for (const id of sampler.settings) {
    for (const input of inputs) {
      const slot = view.valueSlot(id, input, held);
      if (slot !== undefined) return slot;
    }
  }
  return undefined;
}

/** The conditioning links of a sampler: BasicGuider calls its positive one `conditioning`. */
export function conditioningLink(
  view: GraphView,
  sampler: Sampler,
  role: "positive" | "negative",
): Link | undefined {
  const names = role === "positive" ? ["positive", "conditioning", "cond1"] : ["negative"];
  for (const id of sampler.settings) {
    for (const name of names) {
      const link = view.link(id, name);
      if (link) return link;
    }
  }
  return undefined;
}

/** Follows the latent of the last sampler back to what it was made from. */
export function startOf(view: GraphView, samplers: readonly Sampler[]): Start | undefined {
  let [sampler] = samplers;
  if (!sampler) return undefined;
  const seen = new Set([sampler.id]);
  for (const id of seen) {
    sampler = samplers.find((each) => each.id === id) ?? sampler;
    const latents = latentLinks(view, id);
    // A sampler that has a latent takes its picture for something else.
    const fromLatent = id === sampler.id && latents.length > 0;
    const image = fromLatent ? undefined : imageLink(view, id);
    const before = image ? samplerBehind(view, samplers, image, seen) : latents;
    const found = before.length === 0 ? sourceOf(view, id, image) : undefined;
    if (found) return { ...found, sampler };
    for (const [next] of before) seen.add(next);
  }
  return undefined;
}

function sourceOf(
  view: GraphView,
  id: string,
  image: Link | undefined,
): Pick<Start, "image" | "size"> | undefined {
  if (image) return { image };
  const sized = ["width", "height"].every((side) => view.input(id, side) !== undefined);
  return sized ? { size: id } : undefined;
}

/** A picture that was sampled first, then scaled up: the start is that of the first sampler. */
function samplerBehind(
  view: GraphView,
  samplers: readonly Sampler[],
  image: Link,
  seen: ReadonlySet<string>,
): Link[] {
  const behind = view.upstream([image[0]]);
  const earlier = samplers.find(({ id }) => behind.includes(id) && !seen.has(id));
  return earlier ? [[earlier.id, 0]] : [];
}

function latentLinks(view: GraphView, id: string): Link[] {
  const named = latentInputs
    .map((input) => view.link(id, input))
    .filter((link) => link !== undefined);
  if (named.length > 0) return named;
  return view.links(id).flatMap(({ input, link }) => (/latent|sample/.test(input) ? [link] : []));
}

function imageLink(view: GraphView, id: string): Link | undefined {
  return imageInputs.map((input) => view.link(id, input)).find((link) => link !== undefined);
}
