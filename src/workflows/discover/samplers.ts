import { isLink, type Link } from "../../comfy/protocol.ts";
import { namesRole, type Role } from "./text-inputs.ts";
import type { GraphView, Held } from "./view.ts";

const samplerClass = /^(KSampler|SamplerCustom)/;
/** Inputs that lead from a sampler to the nodes that hold its settings. */
const settingInputs = /^((sigmas|sampler|guider|noise)(_?\d)?|(basic_|sdxl_)?pipe|sdxl_tuple)$/;
const conditioningInputs: Record<Role, readonly string[]> = {
  positive: ["positive", "conditioning", "cond1", "text_embeds", "pos"],
  negative: ["negative", "neg_conditioning", "text_embeds", "neg"],
};
const latentInputs: readonly string[] = [
  ...["latent_image", "latent", "latents", "samples", "image_embeds"],
];
const imageInputs: readonly string[] = ["pixels", "image", "images", "upscaled_image"];
/** What a picture is not made from, although it takes part. */
const aside =
  /^(model|clip|vae|positive|negative|conditioning|control|mask|ipadapter|upscale_model|noise|sigmas|guider|sampler$)/;

/** A sampler with the nodes that hold its settings, nearest first (itself included). */
export interface Sampler {
  id: string;
  settings: string[];
}

/** The samplers an output depends on, the last to run first. */
export function samplersOf(view: GraphView, outputs: readonly string[]): Sampler[] {
  return view
    .upstream(outputs)
    .filter((id) => isSampler(view, id))
    .map((id) => ({ id, settings: settingsOf(view, id) }));
}

export function isSampler(view: GraphView, id: string): boolean {
  const classType = view.classOf(id);
  // KSamplerSelect holds a name and has no links.
  if (samplerClass.test(classType)) return view.links(id).length > 0;
  if (/sampler/i.test(classType) && view.link(id, "pipe")) return true;
  const has = (input: string) => view.input(id, input) !== undefined;
  const seeded = has("seed") || has("noise_seed");
  const steered = conditioningInputs.positive.some((input) => view.link(id, input));
  return steered && seeded && has("steps");
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
  held: Held,
): string | undefined {
  for (const id of sampler.settings) {
    for (const input of inputs) {
      const slot = view.valueSlot(id, input, held);
      if (slot !== undefined) return slot;
    }
  }
  return undefined;
}

/** Where a sampler's texts are: BasicGuider calls its positive conditioning `conditioning`. */
export function conditioningLink(view: GraphView, sampler: Sampler, role: Role): Link | undefined {
  for (const id of sampler.settings) {
    for (const name of conditioningInputs[role]) {
      const link = view.link(id, name);
      if (link) return link;
    }
    if (id !== sampler.id && namesRole(view, id, role)) return [id, 0];
  }
  return undefined;
}

/** Links to what a sampler starts from: a latent, else an image, else what its pipe holds. */
export function startLinks(view: GraphView, sampler: Sampler): Link[] {
  const named = (id: string, names: readonly string[]) =>
    names.map((name) => view.link(id, name)).filter((link) => link !== undefined);
  const { id } = sampler;
  const latents = named(id, latentInputs);
  const other = view.links(id).filter(({ input }) => /latent|samples/.test(input));
  if (latents.length + other.length > 0) return [...latents, ...other.map(({ link }) => link)];
  const images = named(id, imageInputs);
  return images.length > 0 ? images : named(id, ["pipe", "sdxl_tuple"]);
}

/** The samplers whose picture or latent this one goes on with. */
export function samplersBefore(
  view: GraphView,
  samplers: readonly Sampler[],
  sampler: Sampler,
): Sampler[] {
  const stage = stageBefore(view, sampler);
  return samplersBehind(view, samplers, [...startLinks(view, sampler), ...stage]);
}

/** Stable Cascade's second stage gets what the first has made as a conditioning. */
function stageBefore(view: GraphView, sampler: Sampler): Link[] {
  const link = conditioningLink(view, sampler, "positive");
  const stage = link && view.link(link[0], "stage_c");
  return stage ? [stage] : [];
}

/** The nearest samplers on the ways of pictures and latents behind these links. */
export function samplersBehind(
  view: GraphView,
  samplers: readonly Sampler[],
  links: readonly Link[],
): Sampler[] {
  const seen = new Set(links.map(([id]) => id));
  const found: Sampler[] = [];
  for (const id of seen) {
    const sampler = samplers.find((each) => each.id === id);
    if (sampler) found.push(sampler);
    else {
      for (const { input, link } of view.links(id)) if (!aside.test(input)) seen.add(link[0]);
    }
  }
  return found;
}

/** Where a sampler's picture begins: an empty latent with a size, or an image. */
export interface Start {
  size?: string;
  image?: Link;
}

const sides: readonly (readonly [string, string])[] = [
  ["width", "height"],
  ["empty_latent_width", "empty_latent_height"],
];

/** The names of the inputs by which a node makes a size of its own. */
export function sideInputs(view: GraphView, id: string): readonly [string, string] | undefined {
  return sides.find((pair) => pair.every((side) => view.input(id, side) !== undefined));
}

/** What the first sampler of a chain starts from. */
export function startOf(view: GraphView, sampler: Sampler): Start | undefined {
  const seen = new Set(startLinks(view, sampler).map(([id]) => id));
  if (seen.size === 0) seen.add(sampler.id);
  for (const id of seen) {
    const image = imageInputs.map((name) => view.input(id, name)).find(isLink);
    if (image) return { image };
    if (/load.*image/i.test(view.classOf(id))) return { image: [id, 0] };
    if (sideInputs(view, id) && !view.link(id, "samples")) return { size: id };
    for (const { input, link } of view.links(id)) if (!aside.test(input)) seen.add(link[0]);
  }
  return undefined;
}
