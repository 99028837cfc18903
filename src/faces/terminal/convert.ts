import { AppError } from "../../errors.ts";
import { parseGraph } from "../../workflows/graph.ts";
import { type CheckBackend, readWithNodes, unreadable } from "./workflow.ts";

export interface ConvertedFile {
  /** The graph in API format, as JSON. */
  json: string;
  /** What the file holds and the graph does not, or holds otherwise. */
  notes: string[];
}

/**
 * The graph of an editor workflow, of a picture or of an API export, as ComfyUI's `/prompt` takes
 * it. Only an editor workflow needs a ComfyUI. Throws `invalid_input` for a file that cannot be
 * read, `comfy_unreachable` when the nodes cannot be asked for, and `workflow_invalid` with all
 * that cannot be converted.
 */
export async function convertWorkflow(file: string, backend: CheckBackend): Promise<ConvertedFile> {
  const read = await readWithNodes(file, backend).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  if ("pending" in read) throw new AppError("comfy_unreachable", `${file} ${read.pending}.`);
  if ("reason" in read) throw invalid(file, read.reason);
  const parsed = parseGraph(dataOf(file, read.graphText));
  if ("reason" in parsed) throw invalid(file, parsed.reason);
  return { json: JSON.stringify(parsed.graph, null, 2), notes: read.notes };
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
