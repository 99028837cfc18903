import { placeholderImage } from "./images.ts";
import type { GraphView } from "./view.ts";
import type { Note } from "./walk.ts";

/** Nodes of packs that take a picture as base64 text, from an address or from a path. */
const loads =
  /(load|get|fetch|download|decode|input|receive).*(image|mask)|(image|mask).*(load|url|base64|input)|base64.*(image|mask)/i;
const holds =
  /^(image|mask|url|uri|image_?url|url_or_path|(image_?)?(path|base64)|base64_?(data|string|image)?|data|image_?data|string)$/i;
const isOfMask = /mask/i;

/** Puts ComfyUI's own loader in the place of each of them, so that the caller's picture goes in. */
export function adoptLoaders(view: GraphView, reachable: readonly string[], notes: Note[]): void {
  for (const id of reachable) {
    const node = view.node(id);
    if (!node || !isForeignLoader(view, id)) continue;
    const gives = Math.max(0, ...view.uses(id).map(({ output }) => output));
    const classType = node.class_type;
    if (gives > 1) {
      const text = `node ${id} (${classType}) loads a picture, but more than its picture and mask is used; it stays as it is`;
      notes.push({ text, unless: [] });
      continue;
    }
    const isMask = isOfMask.test(classType) && !/image.*mask/i.test(classType);
    node.class_type = isMask ? "LoadImageMask" : "LoadImage";
    node.inputs = { image: placeholderImage, ...(isMask && { channel: "red" }) };
  }
}

function isForeignLoader(view: GraphView, id: string): boolean {
  const classType = view.classOf(id);
  if (/^LoadImage(Mask)?$/.test(classType) || !loads.test(classType)) return false;
  const inputs = Object.keys(view.node(id)?.inputs ?? {});
  // A picture or model that goes in makes it something else than a loader.
  if (view.links(id).some(({ input }) => !holds.test(input) || !isText(view, id, input)))
    return false;
  return inputs.some((input) => holds.test(input) && isText(view, id, input));
}

/** A text here or in a node for texts; another loader's file name is none. */
function isText(view: GraphView, id: string, input: string): boolean {
  const slot = view.valueSlot(id, input, "string");
  return slot !== undefined && (slot === `${id}.${input}` || !slot.endsWith(".image"));
}
