import { chooserOf, chosenInput } from "./handed-on.ts";
import { isLoader } from "./images.ts";
import type { GraphView } from "./view.ts";
import type { Note } from "./walk.ts";

/**
 * Makes a switch's choice final, in place, where only the branch it does not take has a picture: a
 * caller's picture would change nothing, and ComfyUI refuses a graph whose picture it does not
 * have. A switch that somebody offers (`claimed` slots) stays as it is.
 */
export function settleSwitches(
  view: GraphView,
  outputs: readonly string[],
  claimed: ReadonlySet<string>,
  notes: Note[],
): void {
  const taken = new Set(takenFrom(view, outputs));
  const idle = view.upstream(outputs).filter((id) => isLoader(view, id) && !taken.has(id));
  if (idle.length === 0) return;
  for (const id of taken) {
    const by = chooserOf(view, id);
    const chosen = chosenInput(view, id);
    const link = chosen === undefined ? undefined : view.link(id, chosen);
    if (by === undefined || chosen === undefined || !link || isClaimed(view, id, by, claimed)) {
      continue;
    }
    const others = view.links(id).filter(({ input }) => input !== chosen);
    const behind = view.upstream(others.map((other) => other.link[0]));
    const pictures = idle.filter((loader) => behind.includes(loader));
    if (pictures.length === 0) continue;
    for (const { node, input } of view.uses(id)) {
      const inputs = view.node(node)?.inputs;
      if (inputs) inputs[input] = link;
    }
    const text = `the switch ${id} (${view.classOf(id)}) takes "${chosen}", so the picture of node ${pictures.join(", ")} has no part in the result and is not offered`;
    notes.push({ text, unless: [] });
  }
}

/** The nodes themselves and all that their switches let through. */
function takenFrom(view: GraphView, ids: readonly string[]): Set<string> {
  const found = new Set(ids);
  for (const id of found) {
    const chosen = chosenInput(view, id);
    const by = chooserOf(view, id);
    for (const { input, link } of view.links(id)) {
      if (chosen === undefined || input === chosen || input === by) found.add(link[0]);
    }
  }
  return found;
}

function isClaimed(view: GraphView, id: string, by: string, claimed: ReadonlySet<string>): boolean {
  const holder = view.link(id, by)?.[0] ?? id;
  return [...claimed].some((slot) => slot.slice(0, slot.lastIndexOf(".")) === holder);
}
