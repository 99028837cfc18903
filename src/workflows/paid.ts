import type { Graph, ObjectInfo } from "../comfy/protocol.ts";

/** The classes of a graph that run on a partner's machines and cost its user money there. */
export function paidClasses(graph: Graph, objectInfo: ObjectInfo | undefined): string[] {
  const classes = Object.values(graph).map((node) => node.class_type);
  const isPaid = (name: string) =>
    objectInfo !== undefined &&
    Object.hasOwn(objectInfo, name) &&
    objectInfo[name]?.api_node === true;
  return [...new Set(classes)].filter(isPaid);
}

export function paidReason(classes: readonly string[]): string {
  return `runs on paid partner nodes (${classes.join(", ")}), which are never run from here; run it in ComfyUI itself`;
}
