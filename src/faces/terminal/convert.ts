import { AppError } from "../../errors.ts";
import { unwrap } from "../../workflows/discover/unwrap.ts";
import { filled, gapsOf } from "../../workflows/editor/complete.ts";
import { parseGraph } from "../../workflows/graph.ts";
import { askedOnce, type CheckBackend, readWithNodes, unreadable } from "./workflow.ts";

export interface ConvertedFile {
  /** The graph in API format, as JSON. */
  json: string;
  /** What the file holds and the graph does not, or holds otherwise. */
  notes: string[];
}

/**
 * The graph of an editor workflow, of a picture or of an API export, as ComfyUI's editor sent it
 * when the file was saved; with `complete`, also what this ComfyUI needs since, by its defaults.
 * Only an editor workflow and `complete` need a ComfyUI. Throws `invalid_input` for a file that
 * cannot be read, `comfy_unreachable` when the nodes cannot be asked for, and `workflow_invalid`
 * with all that cannot be converted.
 */
export async function convertWorkflow(
  file: string,
  given: CheckBackend,
  { complete = false }: { complete?: boolean } = {},
): Promise<ConvertedFile> {
  const backend = askedOnce(given);
  const read = await readWithNodes(file, backend).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  if ("pending" in read) throw new AppError("comfy_unreachable", `${file} ${read.pending}.`);
  if ("reason" in read) throw invalid(file, read.reason);
  const { graphText, notes } = complete ? read : (read.asSaved ?? read);
  const parsed = parseGraph(unwrap(dataOf(file, graphText)));
  if ("reason" in parsed) throw invalid(file, parsed.reason);
  const nodes = complete ? await backend.objectInfo() : {};
  const graph = filled(parsed.graph, gapsOf(parsed.graph, nodes));
  return { json: JSON.stringify(graph, null, 2), notes };
}

function dataOf(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw invalid(file, `is not JSON: ${String(error)}`);
  }
}

function invalid(file: string, reason: string): AppError {
  return new AppError("workflow_invalid", `${file}: ${reason}`);
}
