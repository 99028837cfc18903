import { readFile } from "node:fs/promises";
import path from "node:path";
import { deepFreeze } from "./graph.ts";
import { loadFolder, type WorkflowFolder } from "./load-folder.ts";
import type { Workflow } from "./workflow.ts";

/**
 * The workflows that come with the package, read once. Its build has compiled them into one file,
 * since checking 39 pairs takes a tenth of a second of every start; without that file, as in a
 * checkout that was not built, the pairs themselves are read.
 */
export async function shippedFolder(dir: string, compiled: string): Promise<WorkflowFolder> {
  const folder = { dir, trusted: true };
  const text = await readFile(compiled, "utf8").catch(() => undefined);
  if (text === undefined) return { ...folder, loaded: await loadFolder(folder, undefined) };
  const workflows = (JSON.parse(text) as Workflow[]).map((workflow) =>
    deepFreeze({ ...workflow, file: path.join(dir, workflow.file) }),
  );
  const loaded = { workflows, problems: [], notes: [], pending: [], usesNodes: false };
  return { ...folder, loaded };
}

/** What the build writes for `shippedFolder`. Throws with all problems, as those never ship. */
export async function compiledText(dir: string): Promise<string> {
  const { workflows, problems } = await loadFolder({ dir, trusted: true }, undefined);
  if (problems.length > 0) throw new Error(JSON.stringify(problems, null, 2));
  const relative = workflows.map((each) => ({ ...each, file: path.basename(each.file) }));
  return JSON.stringify(relative);
}
