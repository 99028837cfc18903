import type { Graph } from "../comfy/protocol.ts";
import type { Bypass, InputSize, ModelNeed, Native, NodeNeed, OutputRef } from "./binding.ts";
import type { Effort, ParameterType } from "./known-parameters.ts";

/** A literal a slot can hold; for an image it is the file's name in ComfyUI's input folder. */
export type Value = string | number | boolean;

/** The address of one literal in a graph, `node.input` as text. */
export interface Slot {
  node: string;
  input: string;
  text: string;
  /** It gets the value times this, such as half the width for a first pass. @default 1 */
  times?: number;
}

export interface Parameter {
  name: string;
  slots: readonly Slot[];
  type: ParameterType;
  /** What the graph itself holds; a required parameter has none. */
  default?: Value;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  choices?: readonly Value[];
  required: boolean;
  /** An optional picture that goes out of the graph when it is not given. */
  leavesOut?: boolean;
  /** Nodes that are bypassed while no parameter that names them here is given; see `reduced`. */
  bypass?: Bypass;
  description?: string;
}

/** The outputs between which and their consumers LoRAs go. */
export interface LoraOutputs {
  model: OutputRef;
  /** Unset where LoRAs change only the diffusion model. */
  clip?: OutputRef;
}

/** Parameter values by effort; an empty record says that the graph is of that effort as it is. */
export type Presets = Readonly<Partial<Record<Effort, Readonly<Record<string, Value>>>>>;

/** A choice between branches of a graph, each a workflow of its own. */
export interface Branch {
  name: string;
  title: string;
  values: readonly string[];
  standard: string;
  /** It is `true` or `false`. */
  isSwitch?: boolean;
}

export interface Workflow {
  /** Unique within its tool. */
  name: string;
  tool: string;
  title: string;
  description: string;
  /** Lower is tried first. */
  priority: number;
  /** Where the graph was read from. */
  file: string;
  /** Deep-frozen: `bind` makes the copy that is sent. */
  graph: Graph;
  /** SHA-256 over the graph with sorted keys, so that formatting does not change it. */
  graphHash: string;
  parameters: Readonly<Record<string, Parameter>>;
  outputs: readonly string[];
  models: readonly ModelNeed[];
  nodes: readonly NodeNeed[];
  native?: Native;
  /** To what size input images and masks are scaled before upload; unset, they go as they are. */
  input?: InputSize;
  /** The slot of the model file that the caller may choose. */
  model?: Slot;
  loras?: LoraOutputs;
  presets: Presets;
  /** The result has the size of `image`: what samples starts from it, and nothing scales it. */
  keepsSize: boolean;
  /** The result has the size that `width` and `height` ask for: nothing unknown scales it after. */
  makesSize: boolean;
  /** `mask` reaches the node that repaints `image`; else it is an image like others. */
  repaints: boolean;
  /** How to prompt it, for a model to read. */
  guide?: string;
  /** In no list and never taken by itself: for calls that name it. */
  unlisted?: boolean;
  /** A warning whenever it is used. */
  note?: string;
  /** What a call that knows its variants can choose. */
  branches?: readonly Branch[];
  /** Of a variant, which is unlisted: the workflow it is one of, and the value of each choice. */
  variant?: { of: string; values: Readonly<Record<string, string>> };
}

/** Why a file in a workflow folder was refused. */
export interface Problem {
  file: string;
  slot?: string;
  reason: string;
}

export function problemText(problem: Problem): string {
  const slot = problem.slot === undefined ? "" : `slot "${problem.slot}": `;
  return `${problem.file}: ${slot}${problem.reason}`;
}
