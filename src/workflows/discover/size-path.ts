import type { Link } from "../../comfy/protocol.ts";
import { handedOn } from "./handed-on.ts";
import { isSampler, sideInputs, startLinks } from "./samplers.ts";
import type { GraphView } from "./view.ts";

/** A node on the way of a picture that has a say in its size. */
export type SizeStep =
  /** It makes this size, whatever it is given. `inputs` are those of its width and height. */
  | { kind: "fixed"; id: string; inputs: readonly [string, string] }
  | { kind: "times"; id: string; factor: number }
  /** The way does not go on, or nobody here knows what the node does to a size. */
  | { kind: "unknown"; id: string };

export interface SizePath {
  /** From the output back to where the picture begins. */
  steps: SizeStep[];
  /** The loader whose picture has the size, where nothing on the way changes it. */
  loader?: string;
  /** Whether a sampler is on the way. */
  isSampled: boolean;
}

/** Which input of a node has the size of its output; from the nodes of ComfyUI 0.33.0. */
const samePixels: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(VAEDecode|WanVideoDecode|HyVideoDecode|LTXVDecode)/, ["samples"]],
  [/^CreateVideo$/, ["images"]],
  [/^VAEEncode/, ["pixels"]],
  [/^(SetLatentNoiseMask|RepeatLatentBatch|LatentFromBatch|LatentBatch)/, ["samples", "samples1"]],
  [/^InpaintModelConditioning$/, ["pixels"]],
  [/^(ImageCompositeMasked|LatentComposite(Masked)?)$/, ["destination", "samples_to"]],
  [/^(JoinImageWithAlpha|SplitImageWithAlpha|ImageToMask)$/, ["image"]],
  [/^(InvertMask|GrowMask|FeatherMask|ThresholdMask|MaskToImage|MaskPreview)$/, ["mask"]],
  [/^(ImageInvert|ImageBlur|ImageSharpen|ImageQuantize|ImageAddNoise|ImageFromBatch)$/, ["image"]],
  [
    /^(ColorMatch|ImageColorMatch|easy imageColorMatch)/i,
    ["image_target", "target_image", "image"],
  ],
  [/Detailer/, ["image"]],
];
const scales: readonly (readonly [RegExp, string, readonly string[]])[] = [
  [/^LatentUpscaleBy$/, "scale_by", ["samples"]],
  [/^ImageScaleBy$/, "scale_by", ["image"]],
  [/^UltimateSDUpscale/, "upscale_by", ["image"]],
];
const sizesOf = /^(Get)?ImageSize|GetImageSize|^easy imageSize/i;
const loads = /^LoadImage/;
const passesOn = /reroute|switch|select|router|show|display|preview/i;

/** Follows the picture of an output back, by what decides its size. */
export function sizePath(view: GraphView, output: string): SizePath {
  const path: SizePath = { steps: [], isSampled: false };
  const seen = new Set<string>();
  // Whatever node an output is, it shows or saves pictures as they come.
  const shown = ["images", "image", "video"].map((input) => view.link(output, input));
  let at: string | undefined = shown.find((link) => link !== undefined)?.[0];
  while (at !== undefined && !seen.has(at)) {
    seen.add(at);
    if (isSampler(view, at)) path.isSampled = true;
    if (loads.test(view.classOf(at)) && view.links(at).length === 0) {
      path.loader = at;
      return path;
    }
    at = stepFrom(view, at, path.steps);
  }
  return path;
}

/** The node before, after noting what this one does to the size. */
function stepFrom(view: GraphView, id: string, steps: SizeStep[]): string | undefined {
  const ofImage = imageOfSize(view, id);
  if (ofImage) return ofImage[0];
  const scale = scales.find(([classes]) => classes.test(view.classOf(id)));
  const link = linkBefore(view, id, scale?.[2]);
  const factor = scale && numberIn(view, id, scale[1]);
  const sides = sideInputs(view, id);
  if (factor !== undefined && link) steps.push({ kind: "times", id, factor });
  else if (sides && (scaler.test(view.classOf(id)) || !link)) {
    steps.push({ kind: "fixed", id, inputs: sides });
    return view.link(id, "image")?.[0] ?? view.link(id, "samples")?.[0];
  } else if (!link) steps.push({ kind: "unknown", id });
  return link?.[0];
}

const scaler = /^(LatentUpscale|ImageScale|LatentCrop|ImageCrop)$/;

function numberIn(view: GraphView, id: string, input: string): number | undefined {
  const slot = view.valueSlot(id, input, "number");
  return slot === undefined ? undefined : Number(view.valueAt(slot));
}

/** The link whose size a node hands on. */
function linkBefore(
  view: GraphView,
  id: string,
  scaled: readonly string[] | undefined,
): Link | undefined {
  const same = samePixels.find(([classes]) => classes.test(view.classOf(id)))?.[1];
  const link = (names: readonly string[]) =>
    names.map((name) => view.link(id, name)).find((each) => each !== undefined);
  const named = link(scaled ?? same ?? []);
  if (named) return named;
  if (isSampler(view, id)) return startLinks(view, { id, settings: [id] })[0];
  // A node with one input may do anything to a picture, unless its class says that it does not.
  const handed = passesOn.test(view.classOf(id)) ? handedOn(view, id) : undefined;
  if (handed !== undefined) return view.link(id, handed);
  return view.link(id, "pipe");
}

/** An empty latent of an image's own size: the image that is measured. */
function imageOfSize(view: GraphView, id: string): Link | undefined {
  const [width, height] = [view.link(id, "width"), view.link(id, "height")];
  if (!width || !height || width[0] !== height[0]) return undefined;
  if (!sizesOf.test(view.classOf(width[0])) || width[1] !== 0 || height[1] !== 1) return undefined;
  return view.link(width[0], "image");
}
