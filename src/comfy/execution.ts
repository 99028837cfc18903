import type { Timing } from "./paces.ts";
import {
  type ExecutionErrorData,
  type Graph,
  isLink,
  type NodeOutput,
  type NodeProgress,
  type SocketMessage,
} from "./protocol.ts";

export interface RunProgress {
  /** 0..1 over the whole graph; never falls. */
  fraction: number;
  /** Class type of the node that runs now. */
  node?: string;
  /** Its id in the graph. */
  nodeId?: string;
  /** Ticks of that node, when it has several. */
  step?: number;
  steps?: number;
  /** Nodes that are done, those out of the cache among them; missing before the first one runs. */
  nodesDone?: number;
}

export type Ending =
  | { kind: "success" }
  | { kind: "error"; error: ExecutionErrorData }
  | { kind: "interrupted" };

/** Folds the events of one prompt into progress over the whole graph, then one ending. */
export class Execution {
  readonly promptId: string;
  readonly outputs: Record<string, NodeOutput> = {};
  /** Results sent over the socket, by node id. */
  readonly images: Record<string, Buffer[]> = {};
  readonly cached = new Set<string>();
  /** Set when an output was blocked by its own node: not an ending, but the reason for a gap. */
  blocked: string | undefined;
  started = false;
  /** What the events said; trustworthy only together with {@link over} and no gap in between. */
  ending: Ending | undefined;
  /** `executing {node: null}` came: the run is over and its history entry is written. */
  over = false;
  readonly #graph: Graph;
  readonly #weights: Map<string, number>;
  readonly #done = new Map<string, number>();
  #current: { node: string; value: number; max: number } | undefined;
  #fraction = 0;
  #startedAt: number | undefined;
  #overAt: number | undefined;
  /** Of the node with the most steps: its first and its last tick so far. */
  #steps: { node: string; count: number; first: number; last: number } | undefined;

  constructor(promptId: string, graph: Graph) {
    this.promptId = promptId;
    this.#graph = graph;
    this.#weights = new Map(reachable(graph).map((id) => [id, weightOf(graph, id)]));
  }

  get progress(): RunProgress {
    const progress: RunProgress = { fraction: this.#fraction };
    const current = this.#current;
    if (!current) return progress;
    const classType = this.#graph[current.node]?.class_type;
    if (classType) Object.assign(progress, { node: classType, nodeId: current.node });
    if (current.max > 1) Object.assign(progress, { step: current.value, steps: current.max });
    const done = [...this.#done].filter(([id, share]) => share === 1 && !this.cached.has(id));
    progress.nodesDone = this.cached.size + done.length;
    return progress;
  }

  /** Missing until its end was told, and where its start was not. */
  get timing(): Timing | undefined {
    if (this.#startedAt === undefined || this.#overAt === undefined) return undefined;
    const timing: Timing = { ms: this.#overAt - this.#startedAt };
    const steps = this.#steps;
    if (!steps) return timing;
    timing.beforeStepsMs = steps.first - this.#startedAt;
    if (steps.count > 1) timing.stepMs = (steps.last - steps.first) / (steps.count - 1);
    return timing;
  }

  apply(message: SocketMessage): void {
    switch (message.type) {
      case "execution_start":
        this.started = true;
        this.#startedAt = performance.now();
        break;
      case "execution_cached":
        for (const id of message.data.nodes ?? []) this.cached.add(id);
        break;
      case "executing":
        this.#enter(message.data.node, message.data.display_node);
        break;
      case "progress":
        this.#tick(message.data.node, message.data.value, message.data.max);
        break;
      case "progress_state":
        for (const node of Object.values(message.data.nodes ?? {})) this.#state(node);
        break;
      case "executed":
        this.outputs[message.data.display_node ?? message.data.node] = message.data.output ?? {};
        break;
      case "execution_success":
        this.ending = { kind: "success" };
        break;
      case "execution_interrupted":
        this.ending = { kind: "interrupted" };
        break;
      case "execution_error":
        this.#error(message.data);
        break;
      default:
        break;
    }
    this.#advance();
  }

  addImage(nodeId: string, bytes: Buffer): void {
    const images = this.images[nodeId] ?? [];
    images.push(bytes);
    this.images[nodeId] = images;
  }

  #enter(node: string | null, displayNode: string | undefined): void {
    this.started = true;
    if (node === null) {
      this.over = true;
      this.#overAt = performance.now();
      return;
    }
    this.#current = { node: displayNode ?? node, value: 0, max: 1 };
  }

  #tick(node: string, value: number, max: number): void {
    const id = this.#graph[node] ? node : this.#current?.node;
    if (!id || max <= 0) return;
    this.#current = { node: id, value, max };
    this.#raise(id, value / max);
    this.#stepped(id, value);
  }

  #stepped(node: string, step: number): void {
    const now = performance.now();
    const known = this.#steps;
    if (known?.node === node && step > 1) {
      known.count += 1;
      known.last = now;
    } else if (!known || known.count === 1) this.#steps = { node, count: 1, first: now, last: now };
  }

  #state(node: NodeProgress): void {
    const share = node.state === "finished" ? 1 : node.max > 0 ? node.value / node.max : 0;
    this.#raise(node.display_node_id, share);
  }

  /** A node may run several bars one after another; only the furthest counts. */
  #raise(id: string, share: number): void {
    this.#done.set(id, Math.min(1, Math.max(share, this.#done.get(id) ?? 0)));
  }

  #error(error: ExecutionErrorData): void {
    // A blocked output is announced as an error, yet the prompt goes on and ends in success.
    if (error.exception_type === "ExecutionBlocked") this.blocked = error.exception_message;
    else this.ending = { kind: "error", error };
  }

  #advance(): void {
    let total = 0;
    let done = 0;
    for (const [id, weight] of this.#weights) {
      if (this.cached.has(id)) continue;
      total += weight;
      done += weight * (this.#done.get(id) ?? 0);
    }
    if (total > 0) this.#fraction = Math.max(this.#fraction, done / total);
    if (this.ending?.kind === "success") this.#fraction = 1;
  }
}

/** The nodes that will run: outputs (nodes nobody reads) and everything they are fed by. */
function reachable(graph: Graph): string[] {
  const read = new Set<string>();
  for (const node of Object.values(graph)) {
    for (const value of Object.values(node.inputs)) if (isLink(value)) read.add(value[0]);
  }
  return Object.keys(graph).filter((id) => read.has(id) || /Save|Preview/.test(classOf(graph, id)));
}

/** Rough shares of a run's time; a sampler counts its steps. */
function weightOf(graph: Graph, id: string): number {
  const classType = classOf(graph, id);
  if (/Sampler(?!Select)/.test(classType)) return 40;
  if (/UpscaleWithModel|RemoveBackground|Rembg/.test(classType)) return 20;
  if (/Loader|LoadBackground/.test(classType)) return 4;
  if (/VAE(De|En)code|TextEncode/.test(classType)) return 3;
  return 1;
}

function classOf(graph: Graph, id: string): string {
  return graph[id]?.class_type ?? "";
}
