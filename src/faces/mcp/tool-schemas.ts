import type { Catalog } from "../../workflows/catalog.ts";
import type { ToolEntry } from "./answer.ts";
import { type ImageToolSchema, imageToolSchema } from "./image-schema.ts";
import type { Peer } from "./peer.ts";
import { entryOf, type Tool } from "./tool.ts";

/** What is the same for every connection, built once per change of the catalogue: it takes longer than a call. */
export class ToolSchemas {
  readonly #catalog: Catalog;
  readonly #waitSeconds: number;
  readonly #images = new Map<string, ImageToolSchema>();
  readonly #entries = new Map<string, ToolEntry>();
  readonly #stop: () => void;

  constructor(catalog: Catalog, waitSeconds: number) {
    this.#catalog = catalog;
    this.#waitSeconds = waitSeconds;
    this.#stop = catalog.onChange(() => {
      this.#images.clear();
      this.#entries.clear();
    });
  }

  /** The arguments of an image tool. */
  image(name: string): ImageToolSchema {
    const known = this.#images.get(name) ?? imageToolSchema(this.#catalog, name, this.#waitSeconds);
    this.#images.set(name, known);
    return known;
  }

  /** The tool as `tools/list` shows it to this client. */
  entry(tool: Tool, client: Peer): ToolEntry {
    const key = JSON.stringify([tool.name, client.name, client.apps]);
    const known = this.#entries.get(key) ?? entryOf(tool, client);
    this.#entries.set(key, known);
    return known;
  }

  close(): void {
    this.#stop();
  }
}
