import { setImmediate as nextTurn } from "node:timers/promises";
import { type Preview, textFrame } from "../as-comfyui/frames.ts";
import { PythonError } from "../as-comfyui/python.ts";
import { atLeast } from "../as-comfyui/version.ts";
import { type Graph, isLink, type NodeOutput } from "../comfy/protocol.ts";
import { type CachedResult, CacheKeys, type NodeUi } from "./cache.ts";
import { InterruptedRun, ProcessDied } from "./interrupts.ts";
import type { EmulatorNode, NodeContext, NodeResult } from "./node.ts";
import { ExecutionOrder } from "./order.ts";
import type { Parts } from "./parts.ts";
import { Progress, ProgressThrottle } from "./progress.ts";
import type { Queued, RunResult } from "./queue.ts";
import { RunEvents } from "./run-events.ts";
import { nodeException } from "./run-failure.ts";
import { ExecutionBlocker, Inputs } from "./values.ts";

/** One execution of one prompt, from `execution_start` to the event that ends it. */
export class Run {
  readonly events: RunEvents;
  readonly #parts: Parts;
  readonly #promptId: string;
  readonly #graph: Graph;
  readonly #extraData: Record<string, unknown>;
  readonly #outputs: string[];
  readonly #progress: Progress;
  readonly #executed: string[] = [];
  readonly #ui = new Map<string, NodeUi>();
  #keys: CacheKeys;

  constructor(parts: Parts, { item, sensitive }: Queued) {
    const [, promptId, graph, extraData, outputs] = item;
    this.#parts = parts;
    this.#promptId = promptId;
    this.#graph = graph;
    this.#extraData = { ...extraData, ...sensitive };
    this.#outputs = outputs;
    this.#progress = new Progress(promptId);
    this.#keys = new CacheKeys({}, parts.catalog, parts.disk);
    const clientId = extraData["client_id"];
    parts.current = {
      clientId: clientId === undefined || clientId === null ? undefined : String(clientId),
      nodeId: undefined,
    };
    this.events = new RunEvents(parts, promptId, parts.current.clientId);
  }

  async execute(): Promise<RunResult> {
    const { catalog, cache, disk, interrupts, current } = this.#parts;
    interrupts.clear();
    this.events.milestone("execution_start", {});
    this.#keys = new CacheKeys(this.#graph, catalog, disk);
    const ids = Object.keys(this.#graph);
    cache.keepOnly(new Set(ids.map((id) => this.#keys.of(id))));
    const cached = ids.filter((id) => this.#cached(id));
    this.events.milestone("execution_cached", { nodes: cached });
    const completed = await this.#dissolve();
    if (completed) this.events.milestone("execution_success", {});
    current.nodeId = undefined;
    return this.#result(completed);
  }

  async #dissolve(): Promise<boolean> {
    const order = new ExecutionOrder(
      this.#graph,
      this.#outputs,
      (id) => this.#node(id).info.output_node,
      (id) => this.#cached(id) !== undefined,
    );
    for (let id = order.next(); id !== undefined; id = order.next()) {
      const cached = this.#cached(id);
      if (cached) this.#reuse(id, cached);
      else if (!(await this.#attempt(id))) return false;
      order.done(id);
    }
    return true;
  }

  #reuse(id: string, { ui }: CachedResult): void {
    if (ui && this.#recordsCached()) this.#ui.set(id, ui);
    this.events.own("executed", { node: id, display_node: id, output: ui?.output ?? null });
    this.#finish(id);
  }

  /** From 0.3.68 until 0.28.0 outputs from the cache were kept only for a prompt with a client. */
  #recordsCached(): boolean {
    const { version, current } = this.#parts;
    const forgets = atLeast(version, "0.3.68") && !atLeast(version, "0.28.0");
    return !forgets || current.clientId !== undefined;
  }

  async #attempt(id: string): Promise<boolean> {
    const where = { node_id: id, node_type: this.#classType(id), executed: [...this.#executed] };
    try {
      await this.#executeNode(id);
      this.#executed.push(id);
      return true;
    } catch (cause) {
      if (cause instanceof ProcessDied) throw cause;
      if (cause instanceof InterruptedRun) {
        this.events.milestone("execution_interrupted", where, true);
        return false;
      }
      const nodeIds = Object.keys(this.#graph);
      const failure = nodeException(cause, this.#inputs(id).values, nodeIds);
      this.events.milestone("execution_error", { ...where, ...failure });
      return false;
    }
  }

  async #executeNode(id: string): Promise<void> {
    this.#progress.update(id, 0, 1);
    this.events.progressState(this.#progress.state);
    this.#parts.current.nodeId = id;
    this.events.own("executing", { node: id, display_node: id });
    await this.#stopAtHolds(id);
    // A turn for the HTTP server, so that an interrupt can come between two quick nodes.
    await nextTurn();
    this.#parts.interrupts.check();
    const inputs = this.#inputs(id);
    const result = this.#blockedBy(inputs)
      ? this.#block(id, inputs)
      : await this.#compute(id, inputs);
    if (result.ui) {
      const meta = { node_id: id, display_node: id, parent_node: null, real_node_id: id };
      this.#ui.set(id, { output: result.ui, meta });
      this.events.own("executed", { node: id, display_node: id, output: result.ui });
    }
    this.#parts.cache.set(this.#keys.of(id), { outputs: result.outputs, ui: this.#ui.get(id) });
    this.#finish(id);
  }

  #finish(id: string): void {
    this.#progress.finish(id);
    this.events.progressState(this.#progress.state);
  }

  async #stopAtHolds(nodeId: string): Promise<void> {
    const { holds, interrupts } = this.#parts;
    for (const hold of holds.filter(({ classType }) => classType === this.#classType(nodeId))) {
      await interrupts.wait(hold.stop({ promptId: this.#promptId, nodeId }));
    }
  }

  async #compute(id: string, inputs: Inputs): Promise<NodeResult> {
    const { faults, timing, interrupts } = this.#parts;
    const node = this.#node(id);
    const classType = this.#classType(id);
    const plain = node.loads ? timing.loadMs : timing.nodeMs;
    const ms = (node.steps ? 0 : plain) + (faults.slow[classType] ?? 0);
    if (ms > 0) await interrupts.pause(ms);
    const fault = faults.raise[classType];
    if (fault) throw new PythonError(fault.type, fault.message);
    const known = { ...node.info.input.required, ...node.info.input.optional };
    const unknown = Object.keys(inputs.values).find((name) => !(name in known));
    if (unknown !== undefined) {
      const call = `${classType}.execute()`;
      throw new PythonError("TypeError", `${call} got an unexpected keyword argument '${unknown}'`);
    }
    return node.run(inputs, this.#context(id));
  }

  #blockedBy(inputs: Inputs): ExecutionBlocker | undefined {
    return Object.values(inputs.values).find((value) => value instanceof ExecutionBlocker);
  }

  /** Not the end: the prompt goes on, and succeeds, without what is downstream. */
  #block(id: string, inputs: Inputs): NodeResult {
    const message = this.#blockedBy(inputs)?.message;
    if (message !== undefined) {
      this.events.tell("execution_error", {
        node_id: id,
        node_type: this.#classType(id),
        executed: [...this.#executed],
        exception_message: `Execution Blocked: ${message}`,
        exception_type: "ExecutionBlocked",
        traceback: [],
        current_inputs: [],
        current_outputs: [],
      });
    }
    return { outputs: this.#node(id).info.output.map(() => new ExecutionBlocker()) };
  }

  #context(nodeId: string): NodeContext {
    const { interrupts, timing, version, disk, sockets } = this.#parts;
    const throttle = new ProgressThrottle(atLeast(version, "0.9.2"));
    const method = this.#extraData["preview_method"];
    return {
      promptId: this.#promptId,
      nodeId,
      graph: this.#markedGraph(),
      extraPnginfo: this.#extraData["extra_pnginfo"],
      disk,
      wantsPreviews:
        atLeast(version, "0.5.0") &&
        (method === "auto" || method === "latent2rgb" || method === "taesd"),
      step: () => interrupts.pause(timing.stepMs),
      pause: (ms) => interrupts.pause(ms),
      say: (text) => sockets.sendBytes(textFrame(nodeId, text)),
      tick: async (value, max, preview) => {
        if (throttle.lets(value, max, preview !== undefined))
          this.#tick(nodeId, value, max, preview);
        await nextTurn();
      },
    };
  }

  #tick(nodeId: string, value: number, max: number, preview: Preview | undefined): void {
    this.#parts.interrupts.check();
    this.#progress.update(nodeId, value, max);
    this.events.progressState(this.#progress.state);
    this.events.tick(nodeId, value, max, preview);
  }

  /** File-reading nodes carry their marker into the metadata of saved pictures. */
  #markedGraph(): Graph {
    const entries = Object.entries(this.#graph).map(([id, node]) => {
      const marker = this.#keys.markers.get(id);
      return [id, marker === undefined ? node : { ...node, is_changed: [marker] }];
    });
    return Object.fromEntries(entries) as Graph;
  }

  #inputs(id: string): Inputs {
    const { input } = this.#node(id).info;
    const known = { ...input.required, ...input.optional };
    const values: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(this.#graph[id]?.inputs ?? {})) {
      if (isLink(value)) values[name] = this.#cached(value[0])?.outputs[value[1]];
      else if (name in known) values[name] = value;
    }
    return new Inputs(values);
  }

  #result(completed: boolean): RunResult {
    const outputs: Record<string, NodeOutput> = {};
    const meta: Record<string, unknown> = {};
    for (const [id, ui] of this.#ui) {
      outputs[id] = ui.output;
      meta[id] = ui.meta;
    }
    const { messages } = this.events;
    return {
      outputs,
      meta,
      status: { status_str: completed ? "success" : "error", completed, messages },
    };
  }

  #cached(id: string): CachedResult | undefined {
    return this.#parts.cache.get(this.#keys.of(id));
  }

  #classType(id: string): string {
    return this.#graph[id]?.class_type ?? "";
  }

  #node(id: string): EmulatorNode {
    const node = this.#parts.catalog.node(this.#classType(id));
    if (!node) throw new Error(`a validated graph has no class ${this.#classType(id)}`);
    return node;
  }
}
