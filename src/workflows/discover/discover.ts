import { createHash } from "node:crypto";
import type { Graph, ObjectInfo } from "../../comfy/protocol.ts";
import { isModelInput } from "../combo.ts";
import { parseGraph } from "../graph.ts";
import { reservedTools } from "../known-parameters.ts";
import { applyDeclarations, dropUndeclaredTexts } from "./declared.ts";
import { snakeCase } from "./draft.ts";
import { isLoader } from "./images.ts";
import { clampSeeds, unify } from "./literals.ts";
import { isRecord, overrideParameters } from "./overrides.ts";
import { fillEmptyImages, readTitles } from "./titles.ts";
import { GraphView } from "./view.ts";
import { type FlowMetadata, lowerVisionatrix } from "./visionatrix.ts";
import { walk } from "./walk.ts";

export interface Export {
  /** File name without its ending. */
  name: string;
  /** The parsed file. */
  data: unknown;
  /** The parsed binding beside it: what it says comes before what is found. */
  own?: unknown;
  /** Adds output nodes of packs that are not known here. */
  objectInfo?: ObjectInfo | undefined;
}

export interface Discovered {
  /** A graph that ComfyUI can run; for most exports the file's own. */
  graph: Graph;
  /** The content of a `NAME.binding.json`. */
  binding: Record<string, unknown>;
  /** What the file has and a caller does not get. */
  notes: string[];
}

/**
 * Finds out what a workflow takes: by walking its graph, over that what titles and VixUi nodes
 * declare, over that what a binding beside it says. The data is not changed.
 */
export function discover(source: Export): Discovered | { reason: string } {
  const parsed = parseGraph(source.data);
  if ("reason" in parsed) return parsed;
  const view = new GraphView(structuredClone(parsed.graph));
  const own = isRecord(source.own) ? source.own : {};
  const ownParameters = isRecord(own["parameters"]) ? own["parameters"] : {};
  const { isFlow, declarations: lowered, metadata, notes } = lowerVisionatrix(view);
  const titles = readTitles(view);
  const { parameters, outputs } = walk(view, {
    outputs: ownOutputs(view, own["outputs"]),
    objectInfo: source.objectInfo,
    keepAlphaMasks: ownParameters["mask"] === null,
  });
  if (outputs.length === 0) {
    return {
      reason:
        "has no node that saves an image; end it with SaveImage in ComfyUI and export it again with Workflow > Export (API)",
    };
  }
  const declarations = [...lowered, ...titles.declarations];
  if (isFlow) dropUndeclaredTexts(parameters, declarations);
  applyDeclarations(view, parameters, declarations);
  fillEmptyImages(view);
  clampSeeds(view, parameters);
  unify(view, parameters);
  const final = overrideParameters(parameters, own["parameters"]);
  const binding = {
    tool: toolFor(view, new Set(Object.keys(isRecord(final) ? final : {})), source, metadata),
    ...names(source.name, metadata),
    description: metadata.description ?? describe(view, source.name),
    outputs,
    ...own,
    parameters: final,
  };
  return { graph: view.graph, binding, notes: [...notes, ...titles.notes] };
}

function ownOutputs(view: GraphView, outputs: unknown): string[] | undefined {
  if (!Array.isArray(outputs)) return undefined;
  const known = outputs.filter((id) => typeof id === "string" && view.node(id) !== undefined);
  return known.length > 0 ? known : undefined;
}

/**
 * The product's own tools promise their parameters by name, so a workflow joins one only with
 * these; any other is a tool of its own.
 */
function toolFor(
  view: GraphView,
  parameters: ReadonlySet<string>,
  { name }: Export,
  metadata: FlowMetadata,
): string {
  const loads = Object.keys(view.graph).some((id) => isLoader(view, id));
  if (parameters.has("prompt")) {
    if (!loads) return "generate_image";
    if (parameters.has("image")) return parameters.has("mask") ? "inpaint" : "img2img";
  }
  const own = snakeCase(metadata.name ?? name, "workflow") || snakeCase(name, "workflow");
  const tool = own === "" ? `workflow_${short(name)}` : own;
  return reservedTools.includes(tool) ? `${tool}_workflow` : tool;
}

function names(file: string, metadata: FlowMetadata): { name?: string; title: string } {
  const wanted = metadata.name ?? file;
  const clean = wanted
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9._-]+/g, "_")
    .replace(/^[^A-Za-z0-9]+|_+$/g, "");
  const name = clean === "" ? `workflow_${short(wanted)}` : clean;
  const title = metadata.title ?? (file.replaceAll(/[_\s]+/g, " ").trim() || name);
  return { ...(name !== file && { name }), title };
}

function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}

const mostModels = 3;

function describe(view: GraphView, name: string): string {
  const files = Object.values(view.graph).flatMap((node) =>
    Object.entries(node.inputs).flatMap(([input, value]) =>
      typeof value === "string" && isModelInput(node.class_type, input, value) ? [value] : [],
    ),
  );
  const models = [...new Set(files)].slice(0, mostModels).join(", ");
  const uses = models === "" ? "" : ` with ${models}`;
  return `The workflow ${name} of this server's operator${uses}.`.replace(/\s+/g, " ");
}
