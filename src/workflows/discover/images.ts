import { knownParameter } from "../known-parameters.ts";
import { leaveOut } from "../leave-out.ts";
import { reservedParameters } from "../own-options.ts";
import { type Drafts, snakeCase } from "./draft.ts";
import { repaintedBy } from "./mask-path.ts";
import { titleOf } from "./node-title.ts";
import { byId, type GraphView } from "./view.ts";
import type { Walked } from "./walk.ts";

/** The file name in a graph whose image is not chosen yet; ComfyUI ships a picture of that name. */
export const placeholderImage = "example.png";

/** ComfyUI's own titles of image nodes, which say nothing. */
const plainTitle = /^(load )?(an )?(image|mask)s?( \(as mask\))?( with alpha)?$|^load ?image/i;
const optionalTitle = /[([]\s*optional\s*[)\]]/i;

/**
 * The loaders the outputs depend on, as `image` and `mask`. `first` is the node whose picture the
 * sampler starts from. Where there are several, a title names all but that one.
 */
export function addImages(view: GraphView, walked: Walked, first: string | undefined): void {
  const reachable = view.upstream(walked.outputs);
  const near = first === undefined ? [] : view.upstream([first]);
  const rank = (id: string) => (near.includes(id) ? near.indexOf(id) : near.length);
  const loaders = reachable
    .filter((id) => isLoader(view, id))
    .sort((a, b) => rank(a) - rank(b) || byId(a, b));
  const masks = loaders.filter((id) => isMask(view, id));
  const images = loaders.filter((id) => !isMask(view, id));
  addAll(view, walked, "image", images, near);
  addAll(view, walked, "mask", repaintersFirst(view, masks, images), []);
}

/** The mask that says where to repaint is `mask`; the others only steer. */
function repaintersFirst(
  view: GraphView,
  masks: readonly string[],
  images: readonly string[],
): string[] {
  const paints = new Set(masks.filter((mask) => repaintedBy(view, mask, images)));
  return masks.toSorted((a, b) => Number(paints.has(b)) - Number(paints.has(a)));
}

function addAll(
  view: GraphView,
  { parameters, outputs, notes }: Walked,
  name: string,
  ids: readonly string[],
  near: readonly string[],
): void {
  for (const [i, id] of ids.entries()) {
    const { title, isOptional } = titleFor(view, id);
    const own = ofImage(snakeCase(title, name), name);
    const canGo = isOptional && leaveOut(view.graph, id, outputs) !== view.graph;
    if (isOptional && !canGo) {
      const text = `node ${id} ("${title || view.classOf(id)}") is titled optional, but the graph cannot do without it`;
      notes.push({ text, unless: [] });
    }
    const titled = own !== "" && ids.length > 1 && !(i === 0 && near.includes(id));
    const wanted = titled ? own : i === 0 ? name : `${name}_${i + 1}`;
    parameters.set(freeName(parameters, wanted), {
      slots: [`${id}.image`],
      ...(title !== "" && { description: title }),
      ...(canGo && { required: false, leavesOut: true }),
    });
  }
}

/** "Background" titles a picture, and is a word of the server's own. */
function ofImage(own: string, kind: string): string {
  const type = knownParameter(own)?.type;
  const isTaken = reservedParameters.includes(own) || (type !== undefined && type !== "image");
  return isTaken ? `${own}_${kind}` : own;
}

function freeName(parameters: Drafts, wanted: string): string {
  let name = wanted;
  for (let i = 2; parameters.has(name); i += 1) name = `${wanted}_${i}`;
  return name;
}

function titleFor(view: GraphView, id: string): { title: string; isOptional: boolean } {
  const title = titleOf(view.node(id)).replace(/\s+/g, " ").trim();
  if (/^input\s*;/i.test(title)) return { title: "", isOptional: false };
  const isOptional = optionalTitle.test(title);
  const clean = title.replace(optionalTitle, "").trim();
  const says = !plainTitle.test(clean) && clean !== view.classOf(id);
  return { title: says ? clean : "", isOptional };
}

export function isLoader(view: GraphView, id: string): boolean {
  const loads = ["LoadImage", "LoadImageMask"].includes(view.classOf(id));
  return loads && typeof view.input(id, "image") === "string";
}

function isMask(view: GraphView, id: string): boolean {
  return view.classOf(id) === "LoadImageMask" || isOnlyMask(view, id);
}

function isOnlyMask(view: GraphView, id: string): boolean {
  const uses = view.uses(id);
  return (
    uses.length > 0 &&
    uses.every(({ node, output }) => output === 1 || view.classOf(node) === "ImageToMask")
  );
}

/**
 * Gives masks in an image's alpha channel a loader of their own, in place. In ComfyUI such a mask
 * is drawn in its editor and saved with the picture; a caller here has two pictures, and the mask's
 * white is what is meant. LoadImage's mask and LoadImageMask's alpha are 1 - alpha, and a mask's red
 * channel is white = 1, so both mean the same.
 */
export function splitMasks(view: GraphView, reachable: readonly string[]): void {
  for (const id of reachable) {
    if (!isLoader(view, id)) continue;
    const inputs = view.node(id)?.inputs;
    if (view.classOf(id) === "LoadImageMask") {
      if (inputs) inputs["channel"] = "red";
      continue;
    }
    const masked = view.uses(id).filter(({ output }) => output === 1);
    const drawn = masked.filter((use) => !isTransparency(view, use.node, use.input));
    if (drawn.length > 0) splitMask(view, id, drawn);
  }
}

type Uses = ReturnType<GraphView["uses"]>;

function splitMask(view: GraphView, id: string, drawn: Uses): void {
  const inputs = { image: placeholderImage, channel: "red" };
  if (view.uses(id).length === drawn.length) {
    view.graph[id] = { ...view.graph[id], class_type: "LoadImageMask", inputs };
    for (const { node, input } of drawn) relink(view, node, input, id);
    return;
  }
  const maskId = freeId(view, `${id}:mask`);
  view.graph[maskId] = { class_type: "LoadImageMask", inputs };
  for (const { node, input } of drawn) relink(view, node, input, maskId);
}

/** Whether a mask goes back into an alpha channel: then it is the picture's own transparency. */
function isTransparency(view: GraphView, start: string, input: string): boolean {
  const seen = new Set([start]);
  if (view.classOf(start) === "JoinImageWithAlpha") return input === "alpha";
  for (const id of seen) {
    for (const use of view.uses(id)) {
      if (view.classOf(use.node) === "JoinImageWithAlpha" && use.input === "alpha") return true;
      if (/mask/i.test(use.input) && /mask/i.test(view.classOf(use.node))) seen.add(use.node);
    }
  }
  return false;
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
