import { createHash } from "node:crypto";
import { longestTool } from "../binding.ts";
import { reservedTools } from "../known-parameters.ts";
import { snakeCase } from "./draft.ts";
import { isLoader } from "./images.ts";
import { repaintedBy } from "./mask-path.ts";
import { type Json, slotsOf } from "./overrides.ts";
import type { GraphView } from "./view.ts";

/**
 * The product's own tools promise their parameters by name, so a workflow joins one only with
 * these; any other is a tool of its own.
 */
export function toolFor(
  view: GraphView,
  outputs: readonly string[],
  parameters: Json,
  { file, name = file }: { file: string; name?: string | undefined },
): string {
  const loads = view.upstream(outputs).some((id) => isLoader(view, id));
  if (Object.hasOwn(parameters, "prompt")) {
    if (!loads) return "generate_image";
    if (Object.hasOwn(parameters, "image")) {
      return repaints(view, parameters) ? "inpaint" : "img2img";
    }
  }
  const own = snakeCase(name, "workflow") || snakeCase(file, "workflow");
  const tool = own === "" ? `workflow_${short(file)}` : own;
  const free =
    reservedTools.includes(tool) || sharedTools.includes(tool) ? `${tool}_workflow` : tool;
  if (free.length <= longestTool) return free;
  // What is left out may be all that tells two files apart.
  return `${free.slice(0, longestTool - 7).replace(/_+$/, "")}_${short(free)}`;
}

/** Tools of the product whose promise a workflow keeps by its parameters, not by its file's name. */
const sharedTools: readonly string[] = [
  "generate_image",
  "img2img",
  "inpaint",
  "outpaint",
  "upscale",
  "remove_background",
];

function repaints(view: GraphView, parameters: Json): boolean {
  const nodes = (name: string) =>
    slotsOf(parameters[name]).map((slot) => slot.slice(0, slot.lastIndexOf(".")));
  return nodes("mask").some((mask) => repaintedBy(view, mask, nodes("image")));
}

/** Six letters that stand for a text which cannot be a name itself. */
export function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}
