import type { Graph } from "../../comfy/protocol.ts";
import type { Studio } from "../../studio/studio.ts";
import { convert } from "../../workflows/editor/convert.ts";
import { editorData } from "../../workflows/editor/format.ts";
import { isRecord } from "../shared/body.ts";
import { Problem } from "./problems.ts";

export interface Given {
  graph: Graph;
  /** What of an editor workflow is otherwise in the graph. */
  notes: string[];
}

/** The graph of a job, assets named by file. Throws `Problem` for what is none, or names others' assets. */
export async function graphIn(workflow: Record<string, unknown>, studio: Studio): Promise<Given> {
  const { graph, notes } = editorData(workflow)
    ? await converted(workflow, studio)
    : { graph: apiGraph(workflow), notes: [] };
  return { graph: await withAssets(graph, studio), notes };
}

async function converted(workflow: unknown, studio: Studio): Promise<Given> {
  const made = convert(workflow, await studio.prompts.comfy.nodes());
  if (!("problems" in made)) return made;
  const { problems } = made;
  throw new Problem(
    422,
    "workflow_format_ui",
    `This workflow of ComfyUI's editor cannot be made a graph: ${problems.join("; ")}. Export it with "Export (API)" instead.`,
    { problems },
  );
}

function apiGraph(workflow: Record<string, unknown>): Graph {
  const nodes = Object.entries(workflow);
  const odd = nodes.find(([, node]) => !isRecord(node) || !isRecord(node["inputs"] ?? {}));
  // Whether its nodes have classes is said, by node, when it is validated.
  if (nodes.length > 0 && !odd) return workflow as unknown as Graph;
  const why = odd
    ? `node ${odd[0]} is no object with class_type and inputs`
    : "it has no nodes; send what ComfyUI's “Export (API)” writes";
  throw new Problem(422, "invalid_workflow", `workflow: ${why}.`);
}

/** `core/ASSET` objects become names of files, as nodes take them. */
async function withAssets(graph: Graph, studio: Studio): Promise<Graph> {
  const nodes = Object.entries(graph).map(async ([id, node]) => {
    const inputs = Object.entries(node.inputs ?? {}).map(async ([name, value]) => {
      const isAsset = isRecord(value) && value["__type"] === "core/ASSET";
      const placed = isAsset ? await placeOf(value, `${id}.${name}`, studio) : value;
      return [name, placed] as const;
    });
    return [id, { ...node, inputs: Object.fromEntries(await Promise.all(inputs)) }] as const;
  });
  return Object.fromEntries(await Promise.all(nodes)) as Graph;
}

async function placeOf(
  { info }: Record<string, unknown>,
  slot: string,
  studio: Studio,
): Promise<string> {
  const id = isRecord(info) ? info["id"] : undefined;
  const name = typeof id === "string" ? await studio.assets.place(id) : undefined;
  if (name !== undefined) return name;
  const shown = typeof id === "string" ? JSON.stringify(id.slice(0, 60)) : "none";
  throw new Problem(
    422,
    "missing_asset",
    `${slot}: there is no asset ${shown} of yours. Upload it again with POST /api/v2/assets.`,
    { slot, id: id ?? null },
  );
}
