import type { Drafts } from "./draft.ts";

export type Json = Record<string, unknown>;

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The parameters of a binding file over discovered ones, field by field. `null` takes a parameter
 * away, and one that claims another's slots replaces it.
 */
export function overrideParameters(drafts: Drafts, own: unknown): unknown {
  if (own === undefined) return Object.fromEntries(drafts);
  // Not a set of parameters: the check of the binding says so.
  if (!isRecord(own)) return own;
  const claimed = new Set(Object.values(own).flatMap(slotsOf));
  const kept = [...drafts].filter(([, { slots }]) => !slots.some((slot) => claimed.has(slot)));
  const parameters = new Map<string, unknown>(kept);
  for (const [name, parameter] of Object.entries(own)) {
    if (parameter === null) parameters.delete(name);
    else parameters.set(name, merged(drafts.get(name), parameter));
  }
  return Object.fromEntries(parameters);
}

function merged(draft: unknown, own: unknown): unknown {
  if (!isRecord(draft) || !isRecord(own)) return own;
  const { times, ...rest } = draft;
  // What holds for the slots that were found need not hold for others.
  const isMoved = Array.isArray(own["slots"]) && times !== undefined;
  return isMoved ? { ...rest, ...own } : { ...draft, ...own };
}

export function slotsOf(parameter: unknown): string[] {
  const slots = isRecord(parameter) ? parameter["slots"] : undefined;
  return Array.isArray(slots) ? slots.filter((slot) => typeof slot === "string") : [];
}
