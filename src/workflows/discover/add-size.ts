import { type Draft, limitsAround } from "./draft.ts";
import { sideInputs } from "./samplers.ts";
import { type SizeStep, sizePath } from "./size-path.ts";
import { type GraphView, isPreset } from "./view.ts";
import type { Walked } from "./walk.ts";

/** Sizes must be multiples of what the model's latents are made of. */
const latentSteps: readonly number[] = [16, 8];
const bigSteps = /^Empty(SD3|Flux2|Hunyuan|Qwen)/;
const sidePrefixes: readonly string[] = ["", "target_", "empty_latent_"];

interface Place {
  slots: readonly [string, string];
  size: readonly [number, number];
}

/**
 * Adds width and height, bound wherever the graph decides a size. They are the result's where the
 * way to it is known; else those of the first picture, with a note.
 */
export function addSize(view: GraphView, walked: Walked, starts: readonly string[]): void {
  const [start] = starts;
  if (start === undefined) return;
  const reachable = view.upstream(walked.outputs);
  detachSquare(view, start, reachable);
  const first = placeOf(view, start);
  if (!first || isPreset(view, start)) {
    const [from] = view.link(start, "width") ?? [start];
    const text = `width and height are not offered: node ${from} (${view.classOf(from)}) decides the size`;
    walked.notes.push({ text, unless: ["width"] });
    return;
  }
  const ways = walked.outputs.map((id) => sizePath(view, id).steps);
  const steps = ways.toSorted((a, b) => area(view, b) - area(view, a))[0] ?? [];
  const later = steps.flatMap((step) => {
    const place = step.kind === "fixed" ? placeOf(view, step.id) : undefined;
    return place && place.slots[0] !== first.slots[0] ? [place] : [];
  });
  const result = resultOf(view, steps);
  if (new Set(ways.map((way) => resultOf(view, way)?.join("x"))).size > 1) {
    const text =
      "width and height are those of the largest picture: the outputs have several sizes";
    walked.notes.push({ text, unless: [] });
  } else if (!result) walked.notes.push({ text: unknownNote(view, steps), unless: [] });
  const whole = result ?? first.size;
  const places = [...later, first, ...samePlaces(view, reachable, first)];
  for (const [side, name] of [
    [0, "width"],
    [1, "height"],
  ] as const) {
    const draft = draftOf(places, whole, side);
    const own = stepOf(view.classOf(start), first.size, draft);
    const step = own !== undefined && whole[side] % own === 0 ? own : undefined;
    const limits = limitsAround(name, whole[side]);
    walked.parameters.set(name, { ...draft, ...(step && { multipleOf: step }), ...limits });
  }
}

/** How large a result is; an unknown one counts as none. */
function area(view: GraphView, steps: readonly SizeStep[]): number {
  const [width, height] = resultOf(view, steps) ?? [0, 0];
  return width * height;
}

function unknownNote(view: GraphView, steps: readonly SizeStep[]): string {
  const step = steps.find(({ kind }) => kind === "unknown");
  const by = step ? `node ${step.id} (${view.classOf(step.id)})` : "a later node";
  return `width and height are those of the first picture: ${by} may change the size after it`;
}

function placeOf(view: GraphView, id: string): Place | undefined {
  const [wide, high] = sideInputs(view, id) ?? ["width", "height"];
  return place(view, id, wide, high);
}

function place(view: GraphView, id: string, wide: string, high: string): Place | undefined {
  const width = view.valueSlot(id, wide, "number");
  const height = view.valueSlot(id, high, "number");
  if (width === undefined || height === undefined || width === height) return undefined;
  const [w, h] = [view.valueAt(width), view.valueAt(height)];
  if (!(Number.isInteger(w) && Number.isInteger(h)) || Number(w) <= 0 || Number(h) <= 0) {
    return undefined;
  }
  return { slots: [width, height], size: [Number(w), Number(h)] };
}

/** What the graph makes as it is; undefined where something of unknown effect comes last. */
function resultOf(view: GraphView, steps: readonly SizeStep[]): [number, number] | undefined {
  let factor = 1;
  for (const step of steps) {
    if (step.kind === "unknown") return undefined;
    if (step.kind === "times") factor *= step.factor;
    else {
      const size = placeOf(view, step.id)?.size;
      return size && [Math.round(size[0] * factor), Math.round(size[1] * factor)];
    }
  }
  return undefined;
}

/** Places told the same size as the first, such as ModelSamplingFlux and Flux2Scheduler. */
function samePlaces(
  view: GraphView,
  reachable: readonly string[],
  { size, slots }: Place,
): Place[] {
  const all = reachable.flatMap((id) =>
    sidePrefixes.flatMap((prefix) => place(view, id, `${prefix}width`, `${prefix}height`) ?? []),
  );
  const same = all.filter((each) => each.size.every((side, i) => side === size[i]));
  return same.filter((each) => each.slots[0] !== slots[0]);
}

/** The places that hold the result's own size come first: the default is read from them. */
function draftOf(places: readonly Place[], whole: readonly [number, number], side: 0 | 1): Draft {
  const slots = [...new Set(places.map((each) => each.slots[side]))];
  const times: Record<string, number> = {};
  for (const each of places) {
    const ratio = each.size[side] / whole[side];
    if (ratio !== 1) times[each.slots[side]] = ratio;
  }
  slots.sort((a, b) => Number(a in times) - Number(b in times));
  return { slots, ...(Object.keys(times).length > 0 && { times }) };
}

/** No step the graph's own size does not keep, and so large that earlier passes keep theirs. */
function stepOf(classType: string, size: readonly number[], { times = {} }: Draft) {
  const steps = bigSteps.test(classType) ? latentSteps : latentSteps.slice(1);
  const step = steps.find((each) => size.every((side) => side % each === 0));
  const factor = 1 / Math.min(1, ...Object.values(times));
  return step !== undefined && Number.isInteger(factor) && factor <= 4 ? step * factor : step;
}

/** One number for both sides: each side gets its own, or a caller could only ask for squares. */
function detachSquare(view: GraphView, size: string, reachable: readonly string[]): void {
  const slot = view.valueSlot(size, "width", "number");
  if (slot === undefined || slot !== view.valueSlot(size, "height", "number")) return;
  const value = view.valueAt(slot);
  for (const id of reachable) {
    for (const side of ["width", "height"]) {
      const inputs = view.node(id)?.inputs;
      if (inputs && view.link(id, side) && view.valueSlot(id, side, "number") === slot) {
        inputs[side] = Number(value);
      }
    }
  }
}
