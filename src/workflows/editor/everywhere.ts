import type { EditorGraph, EditorNode } from "./format.ts";
import { idOf, indexOf, listOf, recordOf, typeOf } from "./json.ts";
import { everywhereTypes } from "./virtual.ts";

/**
 * cg-use-everywhere sends values to inputs that nothing is linked to. Its editor part writes the
 * links it would add into the file (`extra.ue_links`); here they become links. Returns what is
 * sent without being listed.
 */
export function addEverywhereLinks(graph: EditorGraph): string[] {
  const listed = listOf(graph.extra["ue_links"]);
  for (const [i, entry] of listed.entries()) {
    const link = recordOf(entry);
    const [origin, target] = [idOf(link["upstream"]), idOf(link["downstream"])];
    if (origin === undefined || target === undefined || !graph.nodes.has(origin)) continue;
    const targetSlot = indexOf(link["downstream_slot"]);
    const input = graph.nodes.get(target)?.inputs[targetSlot];
    if (!input || input.link !== undefined) continue;
    const originSlot = indexOf(link["upstream_slot"]);
    input.link = `ue:${i}`;
    graph.links.set(input.link, {
      origin,
      originSlot,
      target,
      targetSlot,
      type: typeOf(link["type"]),
    });
  }
  if (listed.length > 0) return [];
  return [...graph.nodes.values()].filter(sendsSomething).map(({ id }) => id);
}

function sendsSomething({ type, mode, inputs }: EditorNode): boolean {
  return (
    everywhereTypes.includes(type) && mode === 0 && inputs.some(({ link }) => link !== undefined)
  );
}
