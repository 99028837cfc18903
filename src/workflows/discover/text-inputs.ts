import type { GraphView } from "./view.ts";

export type Role = "positive" | "negative";

/** Text inputs of the encoders of core and of the packs people use, beside those called text. */
const encoderNames: readonly string[] = [
  "clip_l",
  "clip_g",
  "t5xxl",
  "llama",
  "bert",
  "mt5xl",
  "qwen25_7b",
  "value",
  "string",
  "positive",
  "negative",
  "pos",
  "neg",
  "tags",
];
const textName = /^(text|prompt|string|str|value)s?(_?[a-z0-9])?$|(^|_)(text|prompt)(_|$|\d)/i;
/** Inputs that say how a text is treated, or what a language model is told about it. */
const about =
  /system|preset|template|delimiter|separator|find|replace|style|format|prefix|suffix|seed|name|path|file|url|result|output|instruct|mode|weight|normal|token|trigger|lora|image|custom_|option|choice|type|control|length|count|strength/i;
const ofRole: Record<Role, RegExp> = {
  positive: /(^|_)pos(itive)?(_|$)/i,
  negative: /(^|_)neg(ative)?(_|$)/i,
};

export function isTextInput(name: string): boolean {
  if (about.test(name)) return false;
  return encoderNames.includes(name) || textName.test(name);
}

/** The text inputs of a node that count for a role, empty ones and links included. */
export function textInputs(view: GraphView, id: string, role: Role): string[] {
  const names = Object.entries(view.node(id)?.inputs ?? {})
    .filter(([name, value]) => isTextInput(name) && holdsText(value))
    .map(([name]) => name);
  const own = names.filter((name) => ofRole[role].test(name));
  if (own.length > 0) return own;
  const other = ofRole[role === "positive" ? "negative" : "positive"];
  return names.filter((name) => !other.test(name));
}

/** Whether a node holds the text of a role by its name, as loaders do that encode it themselves. */
export function namesRole(view: GraphView, id: string, role: Role): boolean {
  return Object.entries(view.node(id)?.inputs ?? {}).some(
    ([name, value]) => typeof value === "string" && ofRole[role].test(name) && !about.test(name),
  );
}

function holdsText(value: unknown): boolean {
  return typeof value === "string" || Array.isArray(value);
}
