import { sensitiveKeys } from "../as-comfyui/prompt-request.ts";
import { PythonError } from "../as-comfyui/python.ts";
import type { HistoryEntry, HistoryStatus, NodeOutput, QueueItem } from "../comfy/protocol.ts";
import { Heap } from "./heap.ts";

export interface RunResult {
  outputs: Record<string, NodeOutput>;
  meta: Record<string, unknown>;
  status: HistoryStatus;
}

/** An item as queued, with what must not be shown (partner node keys) apart. */
export interface Queued {
  item: QueueItem;
  sensitive: Record<string, unknown>;
}

/** Pending, running and finished prompts: all that `/queue`, `/history` and `/api/jobs` tell. */
export class PromptQueue {
  readonly history = new Map<string, HistoryEntry>();
  running: Queued | undefined;
  readonly #pending = new Heap<Queued>(runsBefore);
  readonly #historySize: number;
  readonly #changed: () => void;

  readonly #queued: (promptId: string) => void;

  /** `changed` is called whenever ComfyUI would broadcast `status`, `queued` for every new prompt. */
  constructor(historySize: number, changed: () => void, queued: (promptId: string) => void) {
    this.#historySize = historySize;
    this.#queued = queued;
    this.#changed = changed;
  }

  get pending(): QueueItem[] {
    return this.#pending.items.map(({ item }) => item);
  }

  get remaining(): number {
    return this.#pending.items.length + (this.running ? 1 : 0);
  }

  put(queued: Queued): void {
    this.#pending.push(queued);
    this.#queued(queued.item[1]);
    this.#changed();
  }

  take(): Queued | undefined {
    const next = this.#pending.pop();
    if (!next) return undefined;
    this.running = next;
    this.#changed();
    return next;
  }

  done({ outputs, meta, status }: RunResult): void {
    const finished = this.running;
    this.running = undefined;
    if (!finished) return;
    for (const key of sensitiveKeys) delete finished.item[3][key];
    if (this.history.size > this.#historySize) {
      const oldest = this.history.keys().next();
      if (!oldest.done) this.history.delete(oldest.value);
    }
    this.history.set(finished.item[1], { prompt: finished.item, outputs, status, meta });
    this.#changed();
  }

  clear(): void {
    this.#pending.items = [];
    this.#changed();
  }

  /** False when no pending prompt has that id. */
  remove(promptId: string): boolean {
    const at = this.#pending.items.findIndex(({ item }) => item[1] === promptId);
    if (at < 0) return false;
    // The last one goes by way of a clear, which is announced on its own.
    if (this.#pending.items.length === 1) this.clear();
    else this.#pending.removeAt(at);
    this.#changed();
    return true;
  }
}

function runsBefore(a: Queued, b: Queued): boolean {
  const [aNumber, aId] = a.item;
  const [bNumber, bId] = b.item;
  if (aNumber !== bNumber) return aNumber < bNumber;
  if (aId !== bId) return aId < bId;
  throw new PythonError("TypeError", "'<' not supported between instances of 'dict' and 'dict'");
}
