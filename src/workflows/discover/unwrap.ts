import { isLoader } from "./images.ts";
import { isRecord } from "./overrides.ts";
import type { GraphView } from "./view.ts";

/** Keys under which services and scripts keep the graph, in requests they save whole. */
const wrappers: readonly string[] = [
  "prompt",
  "output",
  "workflow",
  "workflow_api",
  "workflow_json",
  "graph",
  "api",
  "input",
  "data",
];
const mostDeep = 3;

/** The graph inside of what wraps it; anything else comes back as it is. */
export function unwrap(data: unknown, depth = 0): unknown {
  if (!isRecord(data) || depth === mostDeep || hasNodes(data)) return data;
  for (const key of wrappers) {
    const inner = Object.hasOwn(data, key) ? unwrap(data[key], depth + 1) : undefined;
    if (hasNodes(inner)) return inner;
  }
  return data;
}

function hasNodes(data: unknown): boolean {
  if (!isRecord(data)) return false;
  return Object.values(data).some(
    (node) => isRecord(node) && typeof node["class_type"] === "string",
  );
}

/** Takes out, in place, pictures that no output needs, with what only shows them. */
export function dropUnusedLoaders(view: GraphView, outputs: readonly string[]): void {
  const needed = new Set(view.upstream(outputs));
  const unused = Object.keys(view.graph).filter((id) => isLoader(view, id) && !needed.has(id));
  // Their files are the author's; ComfyUI refuses an output that shows one it does not have.
  for (const id of unused) delete view.graph[id];
  dropDangling(view.graph, needed);
}

/** Takes out, in place, what is linked to nodes that are not there and no output needs. */
export function dropDangling(graph: Record<string, unknown>, needed: ReadonlySet<string>): void {
  let fault = danglingNode(graph, needed);
  while (fault !== undefined) {
    delete graph[fault];
    fault = danglingNode(graph, needed);
  }
}

function danglingNode(
  graph: Record<string, unknown>,
  needed: ReadonlySet<string>,
): string | undefined {
  return Object.keys(graph).find((id) => {
    const node = graph[id];
    const inputs = isRecord(node) && isRecord(node["inputs"]) ? node["inputs"] : {};
    const links = Object.values(inputs).filter(Array.isArray);
    return (
      !needed.has(id) && links.some(([to]) => typeof to === "string" && !Object.hasOwn(graph, to))
    );
  });
}
