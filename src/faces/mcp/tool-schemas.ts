import type { Tool as ToolEntry } from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";
import type { Catalog } from "../../workflows/catalog.ts";
import { imageToolSchema } from "./image-schema.ts";
import { entryOf, type Tool } from "./tool.ts";

/** What is the same for every connection, built once per change of the catalogue: it takes longer than a call. */
export class ToolSchemas {
  readonly #catalog: Catalog;
  readonly #waitSeconds: number;
  readonly #images = new Map<string, z.ZodObject>();
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
  image(name: string): z.ZodObject {
    const known = this.#images.get(name) ?? imageToolSchema(this.#catalog, name, this.#waitSeconds);
    this.#images.set(name, known);
    return known;
  }

  /** The tool as `tools/list` shows it. */
  entry(tool: Tool): ToolEntry {
    const known = this.#entries.get(tool.name) ?? entryOf(tool);
    this.#entries.set(tool.name, known);
    return known;
  }

  close(): void {
    this.#stop();
  }
}
