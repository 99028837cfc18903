import type { Preview, RunStatus } from "./outcome.ts";
import type { Graph, SocketMessage } from "./protocol.ts";

/** What goes with a graph that was handed in as it is. */
export interface PromptExtras {
  /** `extra_data` of the POST. */
  data: Record<string, unknown>;
  /** Its place in ComfyUI's queue, lower first; left out, behind those that wait. */
  number?: number | undefined;
  /** Before all that wait. */
  front?: boolean | undefined;
  /** The only output nodes that are wanted. */
  targets: readonly string[];
}

/** Something that a run shows of itself, in the order in which ComfyUI told it. */
export type RunFrame =
  | { kind: "message"; message: SocketMessage }
  /** What a node shows on itself. */
  | { kind: "text"; node: string; text: string }
  /** `node` is missing in frames that do not tell whose they are. */
  | { kind: "picture"; node: string | undefined; picture: Preview; isResult: boolean };

/** One execution of one graph, as `Backend.run` is asked for it. */
export interface RunRequest {
  /** A lowercase UUID that was never used. */
  promptId: string;
  /** What is run, as far as following it needs that. */
  graph: Graph;
  /**
   * Makes the graph as it is posted, once its pictures are with ComfyUI; not called for a prompt
   * that ComfyUI has. Unset: `graph` is whole.
   */
  whole?(): Promise<Graph>;
  /** The nodes whose pictures are the results; what others send over the socket is a preview. */
  outputs: readonly string[];
  /** The prompt may have been posted before (by an earlier process): look before posting. */
  resume?: boolean;
  /**
   * Aborted with `cancelledReason`, the run is kept from ComfyUI or stopped there; with any other
   * reason it is let go of at once: nothing more is posted, and what ComfyUI has of it goes on.
   */
  signal: AbortSignal;
  /** Lets go of it too, also after a cancel. */
  leave?: AbortSignal;
  /** Awaited right before every POST; what it throws keeps the prompt from ComfyUI. */
  before?(): Promise<void>;
  onStatus(status: RunStatus): void;
  /** Each is newer than the one before, which can be forgotten. */
  onPreview?(preview: Preview): void;
  /** ComfyUI has it now. */
  onPosted?(): void;
  /** ComfyUI's `number`: its queue runs the smaller ones first; by default in order. */
  number?: number | undefined;
  /** Ask ComfyUI for previews of what it samples. */
  previews?: boolean;
  extras?: PromptExtras | undefined;
  /** All that comes over the socket about it. */
  onFrame?(frame: RunFrame): void;
}
