import type { AppMode } from "./app-mode.ts";
import { declaredByApp } from "./app-mode.ts";
import { applyDeclarations } from "./discover/declared.ts";
import { discover, type Export } from "./discover/discover.ts";
import type { Draft, Drafts } from "./discover/draft.ts";
import { GraphView } from "./discover/view.ts";
import { isRecord, type Json, listOf, recordOf } from "./editor/json.ts";

/** Kept although the author does not show it: without it every picture would be the same. */
const always = "seed";

/**
 * A binding of what an app offers: its author's parameters, in that order, and outputs. It comes
 * before what is found in the graph and before titles; what `source.own` says comes before it.
 */
export function bindingOfApp(source: Export, app: AppMode): { own: Json } | { reason: string } {
  const own = recordOf(source.own);
  const outputs = own["outputs"] ?? (app.outputs.length > 0 ? app.outputs : undefined);
  const found = discover({ ...source, own: { ...(outputs !== undefined && { outputs }) } });
  if ("reason" in found) return found;
  const all = recordOf(found.binding["parameters"]) as Record<string, Draft>;
  const drafts: Drafts = new Map(Object.entries(all));
  applyDeclarations(new GraphView(found.graph), drafts, declaredByApp(app));
  const offered = inOrder(drafts, app);
  const ownParameters = own["parameters"];
  if (ownParameters !== undefined && !isRecord(ownParameters)) return { own };
  const claimed = new Set(Object.values(ownParameters ?? {}).flatMap(slotsOf));
  const kept = offered.filter(([, { slots }]) => !slots.some((slot) => claimed.has(slot)));
  const dropped = Object.keys(all).filter((name) => !offered.some(([each]) => each === name));
  const parameters = {
    ...Object.fromEntries(dropped.map((name) => [name, null])),
    ...Object.fromEntries(kept),
    ...ownParameters,
  };
  return { own: { ...(outputs !== undefined && { outputs }), ...own, parameters } };
}

function inOrder(drafts: Drafts, app: AppMode): [string, Draft][] {
  const entries = [...drafts];
  const places = app.parameters.map(({ slots }) =>
    entries.findIndex(([, draft]) => slots.some((slot) => draft.slots.includes(slot))),
  );
  const seed = entries.findIndex(([name]) => name === always);
  return [...new Set([...places, seed])].flatMap((place) => {
    const entry = entries[place];
    return entry ? [entry] : [];
  });
}

function slotsOf(parameter: unknown): unknown[] {
  return listOf(recordOf(parameter)["slots"]);
}
