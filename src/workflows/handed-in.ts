import { type OwnCheck, type Verdict, validatePrompt } from "../as-comfyui/validate.ts";
import { spoken } from "../as-comfyui/version.ts";
import type { Graph, NodeInfo, ObjectInfo } from "../comfy/protocol.ts";
import { comboChoices, inputSpec, isModelInput } from "./combo.ts";
import { compileOwn } from "./discover/own.ts";
import type { Recipe } from "./recipe.ts";
import type { Value } from "./workflow.ts";

/** The options of an input that make the editor offer an upload for it. */
const uploadOptions = [
  ...["image_upload", "video_upload", "audio_upload", "animated_image_upload", "file_upload"],
];

/** A literal that names a file of its caller. */
export interface FileSlot {
  /** `node.input` */
  slot: string;
  className: string;
  input: string;
  /** As written, perhaps `name.png [output]`. */
  file: string;
}

/** Every input of a graph that names an uploaded file. */
export function fileSlots(graph: Graph, objectInfo: ObjectInfo): FileSlot[] {
  return Object.entries(graph).flatMap(([id, { class_type: className, inputs }]) => {
    const info = infoOf(objectInfo, className);
    return Object.entries(inputs ?? {}).flatMap(([input, file]) =>
      info && typeof file === "string" && isFileInput(info, input)
        ? [{ slot: `${id}.${input}`, className, input, file }]
        : [],
    );
  });
}

export function isFileInput(info: NodeInfo, input: string): boolean {
  const options = inputSpec(info, input)?.[1];
  return uploadOptions.some((option) => options?.[option] === true);
}

/**
 * What a ComfyUI with these nodes would say of a graph; literals are converted in place. `isThere`
 * tells which files the caller has.
 */
export function checkGraph(
  graph: Graph,
  targets: readonly string[] | undefined,
  objectInfo: ObjectInfo,
  isThere: (file: string) => boolean,
): Verdict {
  const ownCheck = (className: string): OwnCheck | undefined => {
    const info = infoOf(objectInfo, className);
    const names = Object.keys({ ...info?.input.required, ...info?.input.optional });
    const input = info && names.find((name) => isFileInput(info, name));
    const check = (file: unknown) =>
      isThere(String(file)) ? undefined : `Invalid image file: ${String(file)}`;
    return input === undefined ? undefined : { input, check };
  };
  const info = (name: string) => infoOf(objectInfo, name);
  return validatePrompt(graph, targets, { info, ownCheck, version: spoken });
}

/** The graph as it is, to be run for those of its outputs that may. */
export function recipeOf(
  graph: Graph,
  outputs: readonly string[],
  files: readonly FileSlot[],
  objectInfo: ObjectInfo,
  extraData: Record<string, unknown>,
): Recipe {
  return {
    graph,
    open: Object.fromEntries(files.map(({ slot }) => [slot, [slot]])),
    outputs,
    files: modelFiles(graph, objectInfo),
    extraData,
  };
}

function modelFiles(graph: Graph, objectInfo: ObjectInfo): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [id, { class_type: className, inputs }] of Object.entries(graph)) {
    const info = infoOf(objectInfo, className);
    for (const [input, value] of Object.entries(inputs ?? {})) {
      if (!info || typeof value !== "string" || !isModelInput(className, input, value)) continue;
      if (comboChoices(info, input)) files[`${id}.${input}`] = value;
    }
  }
  return files;
}

/** What a graph says of itself to a person: the tool it is most like, and what it was given. */
export interface Described {
  tool: string;
  params: Record<string, unknown>;
  seed?: number;
}

export function describeGraph(graph: Graph): Described {
  const file = { name: "graph", graphFile: "graph", bindingFile: "graph" };
  const made = compileOwn({ ...file, graphText: JSON.stringify(graph) });
  if ("problems" in made) return { tool: "generate_image", params: {} };
  const { tool, parameters } = made.workflow;
  const params: Record<string, Value> = {};
  for (const { name, slots, type } of Object.values(parameters)) {
    const [slot] = slots;
    const value = slot && graph[slot.node]?.inputs[slot.input];
    if (type !== "image" && isValue(value)) params[name] = value;
  }
  const { seed, ...others } = params;
  return {
    tool,
    params: others,
    ...(typeof seed === "number" && Number.isSafeInteger(seed) && seed >= 0 ? { seed } : {}),
  };
}

function isValue(value: unknown): value is Value {
  return ["string", "number", "boolean"].includes(typeof value);
}

function infoOf(objectInfo: ObjectInfo, className: string): NodeInfo | undefined {
  return Object.hasOwn(objectInfo, className) ? objectInfo[className] : undefined;
}
