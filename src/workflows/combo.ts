import type { InputSpec, NodeInfo, ObjectInfo } from "../comfy/protocol.ts";

const modelFile = /\.(safetensors|gguf|ckpt|pt|pth|bin|sft|onnx)$/i;

/** Nodes whose `image` input lists uploaded pictures. */
const imageLoaders: readonly string[] = ["LoadImage", "LoadImageMask", "LoadImageOutput"];

/** Whether a literal names a model file. Only an input with a list of choices can. */
export function isModelInput(classType: string, input: string, value: string): boolean {
  return modelFile.test(value) && !(input === "image" && imageLoaders.includes(classType));
}

/**
 * The choices of an input: its type is the list itself, or "COMBO" with `options` (newer nodes).
 * Undefined for other inputs, and where the editor fetches the list from elsewhere.
 */
export function comboChoices(info: NodeInfo, input: string): string[] | undefined {
  const spec = inputSpec(info, input);
  if (!spec) return undefined;
  const [type, options] = spec;
  const choices: unknown = type === "COMBO" ? options?.["options"] : type;
  if (!Array.isArray(choices)) return undefined;
  // The list itself where possible: what is looked up in it is kept by its identity.
  return choices.every(isText) ? choices : choices.filter(isText);
}

/** The files that an input of a loader lists; none where this ComfyUI has no such node. */
export function filesFor(objectInfo: ObjectInfo, classType: string, input: string): string[] {
  const info = Object.hasOwn(objectInfo, classType) ? objectInfo[classType] : undefined;
  return [...((info && comboChoices(info, input)) ?? [])];
}

function isText(choice: unknown): choice is string {
  return typeof choice === "string";
}

export function inputSpec(info: NodeInfo, input: string): InputSpec | undefined {
  for (const group of [info.input.required, info.input.optional]) {
    if (group && Object.hasOwn(group, input)) return group[input];
  }
  return undefined;
}
