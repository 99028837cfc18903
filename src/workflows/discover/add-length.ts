import { makesMedia } from "./outputs.ts";
import type { Passes } from "./passes.ts";
import { startLinks } from "./samplers.ts";
import type { GraphView } from "./view.ts";
import type { Walked } from "./walk.ts";

/** How long a film or a sound is, as the empty latents of ComfyUI and of the packs call it. */
const lengths: readonly (readonly [name: string, inputs: readonly string[], says: string])[] = [
  ["frames", ["length", "num_frames", "frames", "video_frames"], "How many frames the film has"],
  ["seconds", ["seconds", "duration"], "How many seconds it lasts"],
];
const rates: readonly string[] = ["fps", "frame_rate"];

/** Adds the length of what is no still picture, and a film's frames a second. */
export function addLength(view: GraphView, walked: Walked, { first }: Passes): void {
  if (!walked.outputs.some((id) => makesMedia(view.classOf(id)))) return;
  const starts = first.flatMap((sampler) => startLinks(view, sampler).map(([id]) => id));
  const near = view.upstream(starts);
  for (const [name, inputs, description] of lengths) {
    const slot = firstSlot(view, near, inputs);
    if (slot !== undefined) walked.parameters.set(name, { ...whole(name, slot), description });
  }
  if (!walked.parameters.has("frames")) return;
  const rate = firstSlot(view, view.upstream(walked.outputs), rates);
  if (rate !== undefined) {
    const description = "Frames a second";
    walked.parameters.set("fps", { slots: [rate], description, minimum: 1, maximum: 120 });
  }
}

function whole(name: string, slot: string) {
  return name === "frames"
    ? { slots: [slot], type: "integer" as const, minimum: 1 }
    : { slots: [slot], minimum: 0.1 };
}

function firstSlot(view: GraphView, ids: readonly string[], inputs: readonly string[]) {
  for (const id of ids) {
    for (const input of inputs) {
      const slot = view.valueSlot(id, input, "number");
      if (slot !== undefined) return slot;
    }
  }
  return undefined;
}
