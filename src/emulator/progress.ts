import type { NodeProgress } from "../comfy/protocol.ts";

/** What `progress_state` shows: every node that has started, finished or come from the cache. */
export class Progress {
  readonly #promptId: string;
  readonly #nodes = new Map<string, NodeProgress>();

  constructor(promptId: string) {
    this.#promptId = promptId;
  }

  /** A failed or interrupted node stays "running": ComfyUI never says "error". */
  update(nodeId: string, value: number, max: number): void {
    this.#nodes.set(nodeId, this.#entry(nodeId, value, max, "running"));
  }

  finish(nodeId: string): void {
    const max = this.#nodes.get(nodeId)?.max ?? 1;
    this.#nodes.set(nodeId, this.#entry(nodeId, max, max, "finished"));
  }

  get state(): { prompt_id: string; nodes: Record<string, NodeProgress> } {
    return { prompt_id: this.#promptId, nodes: Object.fromEntries(this.#nodes) };
  }

  #entry(id: string, value: number, max: number, state: NodeProgress["state"]): NodeProgress {
    return {
      value,
      max,
      state,
      node_id: id,
      prompt_id: this.#promptId,
      display_node_id: id,
      parent_node_id: null,
      real_node_id: id,
    };
  }
}

/** ComfyUI's progress bar, which throttles since 0.9.2: the first, the last and those with a picture always get through. */
export class ProgressThrottle {
  #sentAt = 0;
  #sentValue = -1;

  readonly #throttles: boolean;

  constructor(throttles: boolean) {
    this.#throttles = throttles;
  }

  lets(value: number, max: number, hasPreview: boolean): boolean {
    if (!this.#throttles) return true;
    const now = performance.now();
    const share = max > 0 ? (value - Math.max(0, this.#sentValue)) / max : 1;
    const due = now - this.#sentAt >= 100 && share >= 0.005;
    if (!(hasPreview || this.#sentValue < 0 || value >= max || due)) return false;
    this.#sentAt = now;
    this.#sentValue = value;
    return true;
  }
}
