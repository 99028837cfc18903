import { createHash } from "node:crypto";
import { type Graph, isLink, type NodeOutput } from "../comfy/protocol.ts";
import type { Catalog } from "./catalog.ts";
import type { Disk } from "./disk.ts";

export interface NodeUi {
  output: NodeOutput;
  meta: Record<string, unknown>;
}

export interface CachedResult {
  outputs: unknown[];
  ui: NodeUi | undefined;
}

/** The content key of every node of a graph: class, literals, change marker, keys of its ancestors. */
export class CacheKeys {
  readonly #graph: Graph;
  readonly #catalog: Catalog;
  readonly #disk: Disk;
  readonly #keys = new Map<string, string>();
  #unique = 0;
  /** Node id -> marker, for the nodes that have one. */
  readonly markers = new Map<string, string>();

  constructor(graph: Graph, catalog: Catalog, disk: Disk) {
    this.#graph = graph;
    this.#catalog = catalog;
    this.#disk = disk;
    for (const id of Object.keys(graph)) this.of(id);
  }

  of(id: string): string {
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const node = this.#graph[id];
    if (!node) return `missing ${id}`;
    // A cycle that no output reaches is never validated; the id stands in for its own key.
    this.#keys.set(id, `cycle ${id}`);
    const inputs = Object.entries(node.inputs ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [
        name,
        isLink(value) ? ["link", this.of(value[0]), value[1]] : value,
      ]);
    const signature = JSON.stringify([node.class_type, this.#marker(id), inputs]);
    const key = createHash("sha256").update(signature).digest("hex");
    this.#keys.set(id, key);
    return key;
  }

  #marker(id: string): string | undefined {
    const node = this.#graph[id];
    const changed = this.#catalog.node(node?.class_type ?? "")?.changed;
    if (!node || !changed) return undefined;
    if (changed === "always") {
      this.#unique += 1;
      return `${Date.now()} ${process.hrtime.bigint()} ${this.#unique}`;
    }
    const marker = changed(node.inputs, this.#disk);
    if (marker !== undefined) this.markers.set(id, marker);
    return marker;
  }
}

/** ComfyUI's default cache in practice: only what the most recent prompt used or made. */
export class ResultCache {
  readonly #results = new Map<string, CachedResult>();

  get(key: string): CachedResult | undefined {
    return this.#results.get(key);
  }

  set(key: string, result: CachedResult): void {
    this.#results.set(key, result);
  }

  keepOnly(keys: Set<string>): void {
    for (const key of this.#results.keys()) if (!keys.has(key)) this.#results.delete(key);
  }

  clear(): void {
    this.#results.clear();
  }
}
