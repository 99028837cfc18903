import type { GraphView } from "./view.ts";

/** Inputs that hold the picture or latent that a mask says where to repaint. */
const painted: readonly string[] = ["pixels", "samples", "latent_image", "latent"];
/** Packs' nodes that repaint a picture, cut out around the mask or as a whole. */
const repainter = /inpaint|lama|fill|eras|remov|stitch/i;
/** Nodes that only steer by a mask, whatever pictures they get. */
const steers = /ControlNet|IPAdapter|Conditioning(SetMask|SetAreaMask)|Regional|AttnMask/i;

/** Whether a loader's mask reaches a node that repaints a picture of one of these loaders. */
export function repaintedBy(
  view: GraphView,
  loader: string,
  images: readonly string[],
  output?: number,
): boolean {
  const first = view.uses(loader).filter((use) => output === undefined || use.output === output);
  const seen = new Set(first.map(({ node }) => node));
  for (const id of seen) {
    const inputs = paintedInputs(view, id);
    const behind = view.upstream(inputs.flatMap((input) => view.link(id, input)?.[0] ?? []));
    if (behind.some((each) => images.includes(each))) return true;
    for (const { node, input } of view.uses(id)) {
      if (/mask/i.test(input) || (/mask/i.test(view.classOf(node)) && inputs.length === 0)) {
        seen.add(node);
      }
    }
  }
  return false;
}

/** The inputs of the picture a node repaints under its mask; none where it does not. */
function paintedInputs(view: GraphView, id: string): string[] {
  const classType = view.classOf(id);
  const masked = view.links(id).some(({ input }) => /mask/i.test(input));
  if (!masked || steers.test(classType)) return [];
  const names = painted.filter((input) => view.link(id, input));
  if (names.length > 0) return names;
  return repainter.test(classType)
    ? view.links(id).flatMap(({ input }) => (/^(image|pixels)/.test(input) ? [input] : []))
    : [];
}
