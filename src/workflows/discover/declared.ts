import { knownParameter, type ParameterType } from "../known-parameters.ts";
import { reservedParameters } from "../own-options.ts";
import type { Value } from "../workflow.ts";
import { type Draft, type Drafts, limitsAround, snakeCase } from "./draft.ts";
import type { GraphView } from "./view.ts";

/** A parameter that somebody declared in the graph itself, by a title or by a VixUi node. */
export interface Declaration {
  slots: string[];
  /** As in a draft; taken over with the slots of one. */
  times?: Record<string, number>;
  /** The `custom_id`. */
  id: string;
  /** The display name. */
  label: string;
  optional: boolean;
  /** Not offered: the graph's own value stays. */
  hidden: boolean;
  order: number;
  /** It has no value of its own in the graph. */
  required?: boolean;
  type?: ParameterType;
  minimum?: number;
  maximum?: number;
  choices?: Value[];
}

/** Puts declarations over what was discovered: each takes the place of what it shares a slot with. */
export function applyDeclarations(
  view: GraphView,
  drafts: Drafts,
  declarations: readonly Declaration[],
): void {
  const declared = new Set<string>();
  for (const declaration of [...declarations].sort((a, b) => a.order - b.order)) {
    if (declaration.slots.length === 0) continue;
    const role = takeOver(drafts, declaration);
    if (declaration.hidden) continue;
    const wanted = nameOf(declaration, role);
    // What somebody calls by this name is meant, not what was found for it.
    if (declaration.id !== "" && !declared.has(wanted)) drafts.delete(wanted);
    const name = freeName(drafts, wanted);
    declared.add(name);
    drafts.set(name, draftOf(view, name, declaration));
  }
}

/** A flow declares all its texts; others in it are written by its author or a language model. */
export function dropUndeclaredTexts(drafts: Drafts, declarations: readonly Declaration[]): void {
  const declared = new Set(declarations.flatMap(({ slots }) => slots));
  for (const name of ["prompt", "negative_prompt"]) {
    if (!drafts.get(name)?.slots.some((slot) => declared.has(slot))) drafts.delete(name);
  }
}

/** Removes what was found in the same slots; its other slots go to the declaration. */
function takeOver(drafts: Drafts, declaration: Declaration): string | undefined {
  let role: string | undefined;
  for (const [name, draft] of drafts) {
    if (!draft.slots.some((slot) => declaration.slots.includes(slot))) continue;
    drafts.delete(name);
    role ??= name;
    if (draft.times) declaration.times = { ...draft.times, ...declaration.times };
    declaration.slots = [...new Set([...declaration.slots, ...draft.slots])];
  }
  return role;
}

function nameOf(declaration: Declaration, role: string | undefined): string {
  const given = snakeCase(declaration.id, "input");
  const name = given || role || snakeCase(declaration.label, "input") || "value";
  const type = declaration.type ?? "string";
  const known = knownParameter(name)?.type;
  const fits = known === undefined || known === type || (known === "number" && type === "integer");
  return reservedParameters.includes(name) || !fits ? `input_${name}` : name;
}

function freeName(drafts: Drafts, wanted: string): string {
  let name = wanted;
  for (let i = 2; drafts.has(name); i += 1) name = `${wanted}_${i}`;
  return name;
}

function draftOf(view: GraphView, name: string, declaration: Declaration): Draft {
  const { slots, label, type, choices, optional } = declaration;
  const value = view.valueAt(slots[0] ?? "");
  const known = knownParameter(name)?.type;
  // "Prompt" says less about a prompt than its name and our own words do.
  const says = label !== "" && snakeCase(label, "input") !== name;
  const required = type === "image" || name === "prompt" || declaration.required === true;
  return {
    slots,
    ...(declaration.times && { times: declaration.times }),
    ...(says && { description: label }),
    ...(type !== undefined && known === undefined && type !== "image" && { type }),
    ...limitsAround(name, value, declaration),
    ...(choices && { choices: withValue(choices, value) }),
    ...(required && { required: !optional }),
  };
}

/** The value in the graph is always one of the choices. */
function withValue(choices: readonly Value[], value: unknown): Value[] {
  const held = typeof value === "object" || value === undefined ? undefined : (value as Value);
  return held === undefined || choices.includes(held) ? [...choices] : [held, ...choices];
}
