import type { Graph, ObjectInfo } from "../../comfy/protocol.ts";
import { copyJson } from "../../json.ts";
import { isModelInput } from "../combo.ts";
import { parseGraph, parseNodes } from "../graph.ts";
import { noteTexts } from "./add-texts.ts";
import { applyDeclarations, type Declaration, dropUndeclaredTexts } from "./declared.ts";
import { clampSeeds, unify } from "./literals.ts";
import { outputNodes } from "./outputs.ts";
import { isRecord, type Json, overrideParameters, slotsOf } from "./overrides.ts";
import { type Placeholders, readPlaceholders } from "./placeholders.ts";
import { fillEmptyImages, readTitles } from "./titles.ts";
import { short, toolFor } from "./tool-name.ts";
import { dropDangling, dropUnusedLoaders, unwrap } from "./unwrap.ts";
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
  const own = isRecord(source.own) ? source.own : {};
  const parsed = viewOf(source, own);
  if ("reason" in parsed) return parsed;
  const { view } = parsed;
  const ownParameters = isRecord(own["parameters"]) ? own["parameters"] : {};
  const { isFlow, declarations: lowered, metadata, notes } = lowerVisionatrix(view);
  const titles = readTitles(view);
  const placeholders = readPlaceholders(view);
  const claimed = [...titles.declarations, ...placeholders.declarations].flatMap(slotsOf);
  const walked = walk(view, {
    outputs: ownOutputs(view, own["outputs"]),
    objectInfo: source.objectInfo,
    claimed: new Set([...claimed, ...Object.values(ownParameters).flatMap(slotsOf)]),
    keepAlphaMasks: ownParameters["mask"] === null,
  });
  const { parameters, outputs } = walked;
  if (outputs.length === 0) {
    return {
      reason:
        "has no node that saves an image, a video, a sound or a 3D model; end it with one such as SaveImage in ComfyUI and export it again with Workflow > Export (API)",
    };
  }
  dropUnusedLoaders(view, outputs);
  const declarations = [
    ...lowered,
    ...titles.declarations,
    ...held(view, placeholders.declarations),
  ];
  if (isFlow) dropUndeclaredTexts(parameters, declarations);
  applyDeclarations(view, parameters, declarations);
  fillEmptyImages(view);
  clampSeeds(view, parameters);
  unify(view, parameters);
  noteTexts(view, walked);
  const final = overrideParameters(parameters, own["parameters"]);
  const offered = isRecord(final) ? final : {};
  const binding = {
    tool: toolFor(view, outputs, offered, { file: source.name, name: metadata.name }),
    ...names(source.name, metadata),
    description: metadata.description ?? describe(view, source.name),
    outputs,
    ...modelOf(placeholders),
    ...own,
    parameters: final,
  };
  const left = walked.notes.filter(({ unless }) => !unless.some((name) => name in offered));
  return {
    graph: view.graph,
    binding,
    notes: [...notes, ...titles.notes, ...placeholders.notes, ...left.map(({ text }) => text)],
  };
}

function modelOf({ model }: Placeholders): Json {
  if (!model) return {};
  return { model: { slot: model.slot }, models: [{ ...model, any: true }] };
}

/** What stands in a node that a loader of ComfyUI has replaced is found as an image anyway. */
function held(view: GraphView, declarations: readonly Declaration[]): Declaration[] {
  return declarations.map((declaration) => ({
    ...declaration,
    slots: declaration.slots.filter((slot) => view.valueAt(slot) !== undefined),
  }));
}

/** The graph inside the file, without what is broken and no output needs. */
function viewOf(source: Export, own: Json): { view: GraphView } | { reason: string } {
  const parsed = parseNodes(unwrap(source.data));
  if ("reason" in parsed) return parsed;
  const view = new GraphView(copyJson(parsed.graph));
  const outputs = ownOutputs(view, own["outputs"]) ?? outputNodes(view, source.objectInfo);
  dropDangling(view.graph, new Set(view.upstream(outputs)));
  const checked = parseGraph(view.graph);
  return "reason" in checked ? checked : { view };
}

function ownOutputs(view: GraphView, outputs: unknown): string[] | undefined {
  if (!Array.isArray(outputs)) return undefined;
  const known = outputs.filter((id) => typeof id === "string" && view.node(id) !== undefined);
  return known.length > 0 ? known : undefined;
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
