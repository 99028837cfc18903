import type { Preview } from "../as-comfyui/frames.ts";
import type { Graph, NodeInfo, NodeOutput } from "../comfy/protocol.ts";
import type { Disk } from "./disk.ts";
import type { Inputs } from "./values.ts";

export interface Timing {
  /** Per plain node. */
  nodeMs: number;
  /** Per sampler step. */
  stepMs: number;
  /** Per model loader. */
  loadMs: number;
}

/** What a node may do while it runs. */
export interface NodeContext {
  promptId: string;
  nodeId: string;
  /** As it goes into saved pictures: with the change markers of file-reading nodes. */
  graph: Graph;
  extraPnginfo: unknown;
  disk: Disk;
  /** Whether the prompt asked for sampler previews. */
  wantsPreviews: boolean;
  /** One sampler step's worth of time. */
  step(): Promise<void>;
  pause(ms: number): Promise<void>;
  /** Shows text on the node, in every client. */
  say(text: string): void;
  /** Moves the progress bar; throws when the run was interrupted. */
  tick(value: number, max: number, preview?: Preview): Promise<void>;
}

export interface NodeResult {
  outputs: unknown[];
  ui?: NodeOutput;
}

export interface NodeBehaviour {
  run(inputs: Inputs, context: NodeContext): NodeResult | Promise<NodeResult>;
  /** Part of the cache key beside the inputs; `always` never matches an earlier run. */
  changed?: ((inputs: Record<string, unknown>, disk: Disk) => string | undefined) | "always";
  /** The node's own check of one input, which replaces the checks of range and choices. */
  validate?: { input: string; check(value: unknown, disk: Disk): string | undefined };
  /** Takes `loadMs` instead of `nodeMs`. */
  loads?: boolean;
  /** Takes no `nodeMs`: its time is in its steps. */
  steps?: boolean;
}

export interface EmulatorNode extends NodeBehaviour {
  info: NodeInfo;
}
