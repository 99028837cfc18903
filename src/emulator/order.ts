import { type Graph, isLink } from "../comfy/protocol.ts";

/** Which node runs next. Ready output nodes go first, then what leads to one soonest. */
export class ExecutionOrder {
  readonly #graph: Graph;
  readonly #isOutput: (id: string) => boolean;
  /** Id -> how many nodes it waits for, in the order ComfyUI comes upon them. */
  readonly #waitingFor = new Map<string, number>();
  readonly #blocks = new Map<string, Set<string>>();

  constructor(
    graph: Graph,
    outputs: readonly string[],
    isOutput: (id: string) => boolean,
    isCached: (id: string) => boolean,
  ) {
    this.#graph = graph;
    this.#isOutput = isOutput;
    for (const output of outputs) this.#add(output, isCached);
  }

  next(): string | undefined {
    const ready = [...this.#waitingFor].filter(([, count]) => count === 0).map(([id]) => id);
    return (
      ready.find((id) => this.#isOutput(id)) ??
      ready.find((id) => this.#leadsToOutput(id)) ??
      ready.find((id) => [...this.#blocked(id)].some((next) => this.#leadsToOutput(next))) ??
      ready[0]
    );
  }

  done(id: string): void {
    this.#waitingFor.delete(id);
    for (const blocked of this.#blocked(id)) {
      this.#waitingFor.set(blocked, (this.#waitingFor.get(blocked) ?? 1) - 1);
    }
    this.#blocks.delete(id);
  }

  #blocked(id: string): Set<string> {
    return this.#blocks.get(id) ?? new Set();
  }

  #leadsToOutput(id: string): boolean {
    return [...this.#blocked(id)].some((next) => this.#isOutput(next));
  }

  #add(output: string, isCached: (id: string) => boolean): void {
    const stack = [output];
    const links: [from: string, to: string][] = [];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (this.#waitingFor.has(id)) continue;
      this.#waitingFor.set(id, 0);
      this.#blocks.set(id, new Set());
      for (const value of Object.values(this.#graph[id]?.inputs ?? {})) {
        if (!isLink(value) || isCached(value[0])) continue;
        stack.push(value[0]);
        links.push([value[0], id]);
      }
    }
    for (const [from, to] of links) {
      const blocked = this.#blocked(from);
      if (blocked.has(to)) continue;
      blocked.add(to);
      this.#waitingFor.set(to, (this.#waitingFor.get(to) ?? 0) + 1);
    }
  }
}
