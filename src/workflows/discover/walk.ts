import type { ObjectInfo } from "../../comfy/protocol.ts";
import { addLength } from "./add-length.ts";
import { addSettings, addStrength } from "./add-settings.ts";
import { addSize } from "./add-size.ts";
import { addTexts } from "./add-texts.ts";
import { adoptLoaders } from "./adopt-loaders.ts";
import type { Drafts } from "./draft.ts";
import { addImages, splitMasks } from "./images.ts";
import { outputNodes } from "./outputs.ts";
import { type Passes, passesOf } from "./passes.ts";
import { startOf } from "./samplers.ts";
import { settleSwitches } from "./settle-switches.ts";
import type { GraphView } from "./view.ts";

export interface Walked {
  parameters: Drafts;
  outputs: string[];
  notes: Note[];
}

/** What a caller could expect and does not get. */
export interface Note {
  text: string;
  /** It holds only without these parameters: a title or binding may offer what the walk does not. */
  unless: readonly string[];
}

export interface WalkOptions {
  /** Known beforehand: the binding beside the file names them. */
  outputs?: readonly string[] | undefined;
  objectInfo?: ObjectInfo | undefined;
  /** Slots that somebody offers: by a title, or in the binding beside the file. */
  claimed?: ReadonlySet<string> | undefined;
  /** Leaves a mask in an image's alpha channel there. */
  keepAlphaMasks?: boolean | undefined;
}

/**
 * The parameters of a graph, found from its outputs back. It changes the graph where a parameter
 * needs it: width and height that come from one number, a mask in an alpha channel, an image that
 * comes from elsewhere than ComfyUI's input folder.
 */
export function walk(view: GraphView, options: WalkOptions = {}): Walked {
  const outputs = [...(options.outputs ?? outputNodes(view, options.objectInfo))];
  const walked: Walked = { parameters: new Map(), outputs, notes: [] };
  adoptLoaders(view, view.upstream(outputs), walked.notes);
  settleSwitches(view, outputs, options.claimed ?? new Set(), walked.notes);
  if (options.keepAlphaMasks !== true) splitMasks(view, view.upstream(outputs));
  const passes = passesOf(view, outputs);
  const starts = passes.first.flatMap((sampler) => startOf(view, sampler) ?? []);
  const guidance = addTexts(view, walked, passes);
  addImages(view, walked, starts[0]?.image?.[0]);
  addSize(
    view,
    walked,
    starts.flatMap(({ size }) => size ?? []),
  );
  const isPicture = !outputs.every((id) => /Audio/.test(view.classOf(id)));
  if (isPicture && passes.first.length > 0 && starts.length === 0) {
    const text = "width and height are not offered: where the picture begins was not found";
    walked.notes.push({ text, unless: ["width"] });
  }
  addLength(view, walked, passes);
  addSeeds(view, walked, passes);
  addSettings(view, walked, passes, guidance);
  addStrength(view, walked, passes, starts);
  return walked;
}

function addSeeds(view: GraphView, { parameters, outputs }: Walked, { all }: Passes): void {
  const slotsOf = (ids: readonly string[]) => [
    ...new Set(
      ids.flatMap((id) =>
        ["seed", "noise_seed"].flatMap((input) => view.valueSlot(id, input, "number") ?? []),
      ),
    ),
  ];
  // Other nodes' seeds, such as a language model's, often take smaller numbers only.
  const own = slotsOf(all.flatMap((sampler) => sampler.settings));
  const slots = own.length > 0 ? own : slotsOf(view.upstream(outputs));
  if (slots.length > 0) parameters.set("seed", { slots });
}
