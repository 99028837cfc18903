import { byId, type GraphView } from "./view.ts";

/** Image inputs by what they are for, the most important first; each is a node id. */
export interface ImageInputs {
  images: string[];
  masks: string[];
}

/** The file name in a graph whose image is not chosen yet; ComfyUI ships a picture of that name. */
export const placeholderImage = "example.png";

/** The loaders the outputs depend on; `first` is the node whose picture the sampler starts from. */
export function imageInputs(
  view: GraphView,
  reachable: readonly string[],
  first: string | undefined,
): ImageInputs {
  const near = first === undefined ? [] : view.upstream([first]);
  const rank = (id: string) => (near.includes(id) ? near.indexOf(id) : near.length);
  const loaders = reachable
    .filter((id) => isLoader(view, id))
    .sort((a, b) => rank(a) - rank(b) || byId(a, b));
  const isMask = (id: string) => view.classOf(id) === "LoadImageMask" || isOnlyMask(view, id);
  return {
    images: loaders.filter((id) => !isMask(id)),
    masks: loaders.filter(isMask),
  };
}

export function isLoader(view: GraphView, id: string): boolean {
  const loads = ["LoadImage", "LoadImageMask"].includes(view.classOf(id));
  return loads && typeof view.input(id, "image") === "string";
}

function isOnlyMask(view: GraphView, id: string): boolean {
  const uses = view.uses(id);
  return (
    uses.length > 0 &&
    uses.every(({ node, output }) => output === 1 || view.classOf(node) === "ImageToMask")
  );
}

/**
 * Gives masks that are painted into an image's alpha a loader of their own, in place. In ComfyUI
 * such a mask is drawn in its editor and saved with the picture; a caller here has two pictures,
 * and the mask's white is what is repainted. LoadImage's mask is 1 - alpha, LoadImageMask's red
 * channel is white = 1, so both mean the same.
 */
export function splitAlphaMasks(view: GraphView, reachable: readonly string[]): void {
  for (const id of reachable) {
    if (view.classOf(id) !== "LoadImage" || !isLoader(view, id)) continue;
    const masked = view.uses(id).filter(({ output }) => output === 1);
    if (!masked.some(({ node }) => paints(view, node))) continue;
    const inputs = { image: placeholderImage, channel: "red" };
    if (isOnlyMask(view, id) && view.uses(id).length === masked.length) {
      view.graph[id] = { ...view.graph[id], class_type: "LoadImageMask", inputs };
      for (const { node, input } of masked) relink(view, node, input, id);
      continue;
    }
    const maskId = freeId(view, `${id}:mask`);
    view.graph[maskId] = { class_type: "LoadImageMask", inputs };
    for (const { node, input } of masked) relink(view, node, input, maskId);
  }
}

function relink(view: GraphView, node: string, input: string, to: string): void {
  const inputs = view.node(node)?.inputs;
  if (inputs) inputs[input] = [to, 0];
}

function freeId(view: GraphView, wanted: string): string {
  let id = wanted;
  while (view.node(id)) id += "_";
  return id;
}

/** Whether a mask reaches a node that repaints: one that takes it with pixels or a latent. */
function paints(view: GraphView, start: string): boolean {
  const seen = new Set([start]);
  for (const id of seen) {
    const hasMask = view.link(id, "mask") !== undefined;
    const repaints = ["pixels", "samples", "latent_image"].some((input) => view.link(id, input));
    if (hasMask && repaints) return true;
    for (const { node, input } of view.uses(id)) {
      if (input === "mask" || /mask/i.test(view.classOf(node))) seen.add(node);
    }
  }
  return false;
}
