import type { Backend } from "./backend.ts";
import type { ObjectInfo } from "./protocol.ts";

/** Where a run goes: a ComfyUI that can make it, and how that one spells its files. */
export interface Place {
  backend: Backend;
  choices: Record<string, string>;
}

/** The ComfyUI servers that may be used, and which of them a run goes to. */
export class Pool {
  readonly all: readonly Backend[];

  constructor(backends: readonly Backend[]) {
    this.all = backends;
  }

  of(url: string): Backend | undefined {
    return this.all.find((backend) => backend.url === url);
  }

  async objectInfo(maxAgeMs?: number): Promise<ObjectInfo> {
    return this.#first().objectInfo(maxAgeMs);
  }

  async ready(): Promise<void> {
    await this.#first().ready();
  }

  async place(
    can: (info: ObjectInfo) => Record<string, string> | undefined,
    _signal: AbortSignal,
  ): Promise<Place> {
    const backend = this.#first();
    return { backend, choices: can(await backend.objectInfo()) ?? {} };
  }

  async close(): Promise<void> {
    for (const backend of this.all) await backend.close();
  }

  #first(): Backend {
    const [first] = this.all;
    if (!first) throw new Error("a pool needs a backend");
    return first;
  }
}
