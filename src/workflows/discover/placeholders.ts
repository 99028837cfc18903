import type { InputValue } from "../../comfy/protocol.ts";
import { knownParameter } from "../known-parameters.ts";
import type { Declaration } from "./declared.ts";
import { snakeCase } from "./draft.ts";
import { isTextInput } from "./text-inputs.ts";
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
  /** The slot of a model file that a caller is to choose, and the folder of such files. */
  model?: { slot: string; folder: string };
}

/** Loaders of the model that paints, by what their file is called in the graph. */
const modelFolders: Readonly<Record<string, string>> = {
  CheckpointLoaderSimple: "checkpoints",
  CheckpointLoader: "checkpoints",
  UNETLoader: "diffusion_models",
  UnetLoaderGGUF: "unet",
};
/** Says in the graph that a model file belongs there; any that is installed takes its place. */
const anyModel = "any.safetensors";
/** How many pictures there are is the server's to say. */
const fixed: Readonly<Record<string, number>> = { batch: 1, batch_size: 1, count: 1, n: 1 };

/** Takes the placeholders out of a graph, in place, and tells which parameters they stand for. */
export function readPlaceholders(view: GraphView): Placeholders {
  const found = new Map<string, Declaration>();
  const notes: string[] = [];
  let model: Placeholders["model"];
  splitTexts(view);
  for (const { id, input, text, meant } of placeholdersIn(view)) {
    const inputs = view.node(id)?.inputs;
    const folder = modelFolders[view.classOf(id)];
    if (inputs && folder !== undefined && /^(ckpt|unet)_name$/.test(input) && !model) {
      inputs[input] = anyModel;
      model = { slot: `${id}.${input}`, folder };
      continue;
    }
    const constant = fixed[meant.name];
    if (inputs && constant !== undefined) {
      inputs[input] = constant;
      continue;
    }
    if (/(ckpt|unet|model|vae|clip|lora)(_name)?$/.test(meant.name)) {
      notes.push(
        `${id}.${input} holds "${text}" in place of a model file; write the file's name there`,
      );
      continue;
    }
    const isPicture = input === "image";
    if (inputs && !isPicture) inputs[input] = defaults[meant.name] ?? typeDefault(meant.type);
    const declaration = found.get(meant.name) ?? declare(meant, isPicture);
    declaration.slots.push(`${id}.${input}`);
    found.set(meant.name, declaration);
  }
  return {
    declarations: [...found.values()],
    notes: [...notes, ...partNotes(view)],
    ...(model && { model }),
  };
}

const inside =
  /%(?:prompt|positive|negative_prompt|negative|seed|width|height)%|\bPARAM_[A-Z][A-Z0-9_]*|\{\{\s*\w+\s*\}\}|\$\{\s*\w+\s*\}/;

/** Joins what stands around a placeholder to what a caller gives, in place, by ComfyUI's own node. */
function splitTexts(view: GraphView): void {
  for (const [id, node] of Object.entries(view.graph)) {
    for (const [input, value] of Object.entries(node.inputs)) {
      if (typeof value !== "string" || !isTextInput(input) || meaningOf(value)) continue;
      const parts = value.split(new RegExp(`(${inside.source})`)).filter((part) => part !== "");
      const isText = (part: string) => meaningOf(part)?.type === "string";
      const isOnlyText = parts.every((part) => !inside.test(part) || isText(part));
      if (parts.length > 1 && isOnlyText)
        node.inputs[input] = joined(view, `${id}:${input}`, parts);
    }
  }
}

function joined(view: GraphView, name: string, [first = "", ...rest]: readonly string[]) {
  let before: InputValue = first;
  for (const [i, part] of rest.entries()) {
    const id = `${name}:${i + 1}`;
    const inputs = { string_a: before, string_b: part, delimiter: "" };
    view.graph[id] = { class_type: "StringConcatenate", inputs };
    before = [id, 0];
  }
  return before;
}

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
