import type { GraphNode } from "../../comfy/protocol.ts";

/** The title somebody gave a node in ComfyUI's editor; empty where none. */
export function titleOf(node: GraphNode | undefined): string {
  const title: unknown = node?._meta?.title;
  return typeof title === "string" ? title : "";
}
