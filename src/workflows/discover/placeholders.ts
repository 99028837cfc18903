import { knownParameter } from "../known-parameters.ts";
import type { Declaration } from "./declared.ts";
import { snakeCase } from "./draft.ts";
import type { GraphView } from "./view.ts";

/** What other tools write where a caller's value goes: `PARAM_INT_STEPS`, `%seed%`, `{{prompt}}`. */
const forms: readonly RegExp[] = [
  /^PARAM_(?:(INT|FLOAT|STR|STRING|BOOL|BOOLEAN|IMAGE)_)?([A-Z0-9_]+)$/,
  /^()%([a-z][a-z0-9_]*)%$/i,
  /^()\{\{\s*([a-z][a-z0-9_]*)\s*\}\}$/i,
  /^()\$\{\s*([a-z][a-z0-9_]*)\s*\}$/i,
];
const meanings: Readonly<Record<string, string>> = {
  text: "prompt",
  positive: "prompt",
  positive_prompt: "prompt",
  negative: "negative_prompt",
  neg_prompt: "negative_prompt",
  noise_seed: "seed",
  cfg: "guidance",
  cfg_scale: "guidance",
  scale: "guidance",
  guidance_scale: "guidance",
  denoise: "strength",
  sampler_name: "sampler",
  input_image: "image",
  mask_image: "mask",
};
/** What the graph holds until a caller says something else. */
const defaults: Readonly<Record<string, string | number>> = {
  prompt: "",
  negative_prompt: "",
  width: 1024,
  height: 1024,
  seed: 0,
  steps: 20,
  guidance: 7,
  strength: 1,
  sampler: "euler",
  scheduler: "normal",
};

export interface Placeholders {
  declarations: Declaration[];
  notes: string[];
}

/** Takes the placeholders out of a graph, in place, and tells which parameters they stand for. */
export function readPlaceholders(view: GraphView): Placeholders {
  const found = new Map<string, Declaration>();
  const notes: string[] = [];
  for (const { id, input, text, meant } of placeholdersIn(view)) {
    if (/(ckpt|unet|model|vae|clip|lora)(_name)?$/.test(meant.name)) {
      notes.push(
        `${id}.${input} holds "${text}" in place of a model file; write the file's name there`,
      );
      continue;
    }
    const isPicture = input === "image";
    const inputs = view.node(id)?.inputs;
    if (inputs && !isPicture) inputs[input] = defaults[meant.name] ?? typeDefault(meant.type);
    const declaration = found.get(meant.name) ?? declare(meant, isPicture);
    declaration.slots.push(`${id}.${input}`);
    found.set(meant.name, declaration);
  }
  return { declarations: [...found.values()], notes: [...notes, ...partNotes(view)] };
}

const inside =
  /%(prompt|negative_prompt|seed|width|height)%|\bPARAM_[A-Z][A-Z0-9_]*|\{\{\s*\w+\s*\}\}/;

/** A parameter is a whole value, so what stands around a placeholder would be lost. */
function partNotes(view: GraphView): string[] {
  return Object.entries(view.graph).flatMap(([id, node]) =>
    Object.entries(node.inputs).flatMap(([input, value]) => {
      const part = typeof value === "string" ? inside.exec(value)?.[0] : undefined;
      if (part === undefined || input === "filename_prefix") return [];
      return [
        `${id}.${input} holds ${part} inside a longer text; a caller's value takes the place of all of it`,
      ];
    }),
  );
}

function placeholdersIn(view: GraphView) {
  return Object.entries(view.graph).flatMap(([id, node]) =>
    Object.entries(node.inputs).flatMap(([input, text]) => {
      const meant = typeof text === "string" ? meaningOf(text) : undefined;
      // ComfyUI itself fills such words in the name of a file.
      return meant && input !== "filename_prefix" ? [{ id, input, text, meant }] : [];
    }),
  );
}

interface Meaning {
  name: string;
  type: "string" | "integer" | "number" | "boolean";
}

function meaningOf(text: string): Meaning | undefined {
  for (const form of forms) {
    const [, kind = "", word = ""] = form.exec(text.trim()) ?? [];
    if (word === "") continue;
    const name = snakeCase(word, "input");
    const meant = Object.hasOwn(meanings, name) ? (meanings[name] ?? name) : name;
    return { name: meant, type: typeOf(kind, meant) };
  }
  return undefined;
}

function typeOf(kind: string, name: string): Meaning["type"] {
  const known = knownParameter(name)?.type;
  if (known === "integer" || known === "number" || known === "string") return known;
  if (kind === "INT") return "integer";
  if (kind === "FLOAT") return "number";
  return kind.startsWith("BOOL") ? "boolean" : "string";
}

function typeDefault(type: Meaning["type"]): string | number | boolean {
  if (type === "string") return "";
  return type === "boolean" ? false : 1;
}

function declare({ name, type }: Meaning, isPicture: boolean): Declaration {
  const hasDefault = Object.hasOwn(defaults, name) && name !== "prompt";
  return {
    slots: [],
    id: name,
    label: "",
    optional: hasDefault,
    hidden: false,
    order: 99,
    type: isPicture ? "image" : type,
    ...(!Object.hasOwn(defaults, name) && { required: true }),
  };
}
