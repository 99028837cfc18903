import { createHash } from "node:crypto";
import type { Graph, ObjectInfo } from "../comfy/protocol.ts";
import { copyJson } from "../json.ts";
import { comboChoices } from "./combo.ts";
import { canonicalJson, findSlot } from "./graph.ts";
import { ModelFiles } from "./model-files.ts";
import type { Value } from "./workflow.ts";

/**
 * All that is needed to make the pictures of a task, on any ComfyUI that has the nodes and files:
 * no catalogue is asked again, whatever becomes of the workflow it was made from.
 */
export interface Recipe {
  /** Bound with everything that the pictures share. */
  graph: Graph;
  /** The slots that are filled for each picture, by parameter: seed, prompt, uploads. */
  open: Readonly<Record<string, readonly string[]>>;
  /** The nodes whose files are the result. */
  outputs: readonly string[];
  /** By output that is a film: the node that keeps its first frame as a picture. */
  stills?: Readonly<Record<string, string>>;
  /** Model files by slot, as the ComfyUI spelled them that was looked at. */
  files: Readonly<Record<string, string>>;
  /** Of a graph that a caller handed in, to be run as it is: what goes with it as `extra_data`. */
  extraData?: Readonly<Record<string, unknown>>;
}

/** One backend's spelling of each model file, by slot. */
export type Choices = Record<string, string>;

/** The graph of one picture. `values` of parameters without a slot are left out. */
export function graphOf(
  recipe: Recipe,
  values: Readonly<Record<string, Value>>,
  choices: Readonly<Choices> = {},
): Graph {
  const graph = copyJson(recipe.graph);
  for (const [name, value] of Object.entries(values)) {
    const slots = Object.hasOwn(recipe.open, name) ? (recipe.open[name] ?? []) : [];
    for (const slot of slots) set(graph, slot, value);
  }
  for (const [slot, file] of Object.entries(choices)) set(graph, slot, file);
  return graph;
}

function set(graph: Graph, text: string, value: Value): void {
  const found = findSlot(graph, text);
  if ("reason" in found) throw new Error(`slot "${text}": ${found.reason}`);
  const { node, input } = found.slot;
  const inputs = graph[node]?.inputs;
  if (inputs) inputs[input] = value;
}

/** How a backend spells the files of a recipe; undefined when it lacks one, or a node. */
export function choicesOn(recipe: Recipe, objectInfo: ObjectInfo): Choices | undefined {
  const { graph, files } = recipe;
  const has = (name: string) => Object.hasOwn(objectInfo, name);
  if (!Object.values(graph).every((node) => has(node.class_type))) return undefined;
  const choices: Choices = {};
  for (const [slot, file] of Object.entries(files)) {
    const spelled = spellingOn(objectInfo, graph, slot, file);
    if (spelled === undefined) return undefined;
    choices[slot] = spelled;
  }
  return choices;
}

function spellingOn(
  objectInfo: ObjectInfo,
  graph: Graph,
  text: string,
  file: string,
): string | undefined {
  const found = findSlot(graph, text);
  if ("reason" in found) return file;
  const { node, input } = found.slot;
  const info = objectInfo[graph[node]?.class_type ?? ""];
  const listed = info && comboChoices(info, input);
  return listed ? ModelFiles.of(listed).spelling(file) : file;
}

/** The node packs a graph uses, by the module names ComfyUI gives: `custom_nodes.NAME`. */
export function packsOf({ graph }: Recipe, objectInfo: ObjectInfo): string[] {
  const modules = Object.values(graph).map(({ class_type: name }) =>
    Object.hasOwn(objectInfo, name) ? objectInfo[name]?.python_module : undefined,
  );
  const packs = modules.flatMap((module) => /^custom_nodes\.([^.]+)/.exec(module ?? "")?.[1] ?? []);
  return [...new Set(packs)].sort();
}

/** SHA-256 over the recipe with sorted keys: the same content is stored once. */
export function recipeHash(recipe: Recipe): string {
  return createHash("sha256").update(canonicalJson(recipe)).digest("hex");
}
