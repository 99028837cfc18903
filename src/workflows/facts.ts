import type { Graph } from "../comfy/protocol.ts";
import { repaintedBy } from "./discover/mask-path.ts";
import { type SizeStep, sizePath } from "./discover/size-path.ts";
import { GraphView } from "./discover/view.ts";
import type { Parameter, Workflow } from "./workflow.ts";

/** What the graph does with the pictures and sizes it is given. */
export type Facts = Pick<Workflow, "keepsSize" | "makesSize" | "repaints">;

export function factsOf(
  graph: Graph,
  outputs: readonly string[],
  parameters: Readonly<Record<string, Parameter>>,
): Facts {
  const view = new GraphView(graph);
  const nodesOf = (name: string) => parameters[name]?.slots.map(({ node }) => node) ?? [];
  const images = nodesOf("image");
  const paths = outputs.map((id) => sizePath(view, id));
  const keepsSize =
    paths.length > 0 &&
    paths.every(({ steps, loader }) => steps.length === 0 && images.includes(loader ?? ""));
  return {
    keepsSize,
    makesSize: paths.length > 0 && paths.every(({ steps }) => follows(view, steps, parameters)),
    repaints: nodesOf("mask").some((mask) => repaintedBy(view, mask, images)),
  };
}

/** Whether the last size on the way is the one that width and height set. */
function follows(
  view: GraphView,
  steps: readonly SizeStep[],
  { width, height }: Readonly<Record<string, Parameter>>,
): boolean {
  if (!width || !height) return false;
  let factor = 1;
  for (const step of steps) {
    if (step.kind === "unknown") return false;
    if (step.kind === "times") factor *= step.factor;
    else {
      return [width, height].every((side, place) => {
        const text = view.valueSlot(step.id, step.inputs[place] ?? "", "number");
        const slot = side.slots.find((each) => each.text === text);
        // Sizes in the graph are whole: a factor between them need not be exact.
        return slot !== undefined && Math.abs((slot.times ?? 1) * factor - 1) < 0.01;
      });
    }
  }
  return false;
}
