import type { EditorNode } from "./format.ts";
import { textOf } from "./json.ts";

const mostIds = 8;

/** The classes that a ComfyUI does not have, each with its nodes and where it comes from. */
export class UnknownClasses {
  readonly #ids = new Map<string, string[]>();
  readonly #origins = new Map<string, string>();

  add(id: string, node: EditorNode): void {
    this.#ids.set(node.type, [...(this.#ids.get(node.type) ?? []), id]);
    const { properties } = node;
    const pack = textOf(properties["cnr_id"]) ?? textOf(properties["aux_id"]);
    if (pack === undefined) return;
    const version = textOf(properties["ver"]);
    this.#origins.set(node.type, version === undefined ? pack : `${pack} ${version}`);
  }

  problems(): string[] {
    return [...this.#ids].map(([type, ids]) => {
      const shown = ids.slice(0, mostIds).join(", ");
      const nodes = `node${ids.length > 1 ? "s" : ""} ${shown}${ids.length > mostIds ? ", …" : ""}`;
      return `${nodes}: ${this.#reason(type)}`;
    });
  }

  #reason(type: string): string {
    if (/^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(type)) {
      return `the file does not hold the subgraph ${type}; save the workflow again in ComfyUI`;
    }
    const origin = this.#origins.get(type);
    if (origin === undefined) {
      return `ComfyUI has no node class "${type}"; install the node pack it is from`;
    }
    return origin.startsWith("comfy-core")
      ? `ComfyUI has no node class "${type}" (${origin}); update ComfyUI`
      : `ComfyUI has no node class "${type}"; install the node pack ${origin}`;
  }
}
