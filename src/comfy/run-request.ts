import type { Preview, RunStatus } from "./outcome.ts";
import type { Graph } from "./protocol.ts";

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
  /** Ask ComfyUI for previews of what it samples. */
  previews?: boolean;
}
