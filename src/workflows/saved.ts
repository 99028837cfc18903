import type { ObjectInfo } from "../comfy/protocol.ts";
import { parseLenient } from "./carried.ts";
import { compileOwn } from "./discover/own.ts";
import { editorData } from "./editor/format.ts";
import { isRecord } from "./editor/json.ts";
import type { LoadedFolder } from "./load-folder.ts";
import { ownGraphIn } from "./own-graph.ts";
import { paidClasses, paidReason } from "./paid.ts";

/** A workflow that a person saved in ComfyUI. */
export interface SavedFile {
  /** Below ComfyUI's `workflows/`, with slashes. */
  path: string;
  text: string;
}

export const savedChoices = ["apps", "all", "none"] as const;
export type SavedChoice = (typeof savedChoices)[number];

/** A folder of this name, wherever it is, says that its workflows are for here. */
const ourFolder = "easel";

/** Where messages say that a saved workflow is. */
export const savedPlace = "ComfyUI's workflows/";

/** Whether a saved workflow is offered: all, or those their author made an app of or put aside. */
export function isOffered(choice: SavedChoice, { path, text }: SavedFile): boolean {
  if (choice !== "apps") return choice === "all";
  return path.split("/").slice(0, -1).includes(ourFolder) || isApp(text);
}

/** The workflows of what a person saved; what cannot be one is a problem, and never fatal. */
export function loadSaved(
  files: readonly SavedFile[],
  objectInfo: ObjectInfo | undefined,
): LoadedFolder {
  const loaded: LoadedFolder = {
    ...{ workflows: [], problems: [], notes: [], pending: [] },
    usesNodes: files.length > 0,
  };
  for (const file of files) loadOne(file, objectInfo, loaded);
  return loaded;
}

function loadOne(
  { path, text }: SavedFile,
  objectInfo: ObjectInfo | undefined,
  { workflows, problems, notes, pending }: LoadedFolder,
): void {
  const file = `${savedPlace}${path}`;
  const read = ownGraphIn(text, objectInfo);
  if ("pending" in read) return void pending.push({ file, reason: read.pending });
  if ("reason" in read) return void problems.push({ file, reason: read.reason });
  const { graphText, app } = read;
  const made = compileOwn({
    name: nameOf(path),
    ...{ graphFile: file, graphText, bindingFile: file, app },
  });
  if ("problems" in made) return void problems.push(...made.problems);
  const paid = paidClasses(made.workflow.graph, objectInfo);
  if (paid.length > 0) return void problems.push({ file, reason: paidReason(paid) });
  workflows.push(made.workflow, ...made.variants);
  notes.push(...[...read.notes, ...made.notes].map((reason) => ({ file, reason })));
}

/** `.app.json` is a habit of ComfyUI's editor for apps. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/(\.app)?\.json$/i, "");
}

function isApp(text: string): boolean {
  const extra = editorData(parseLenient(text))?.["extra"];
  const data = isRecord(extra) ? extra["linearData"] : undefined;
  if (!isRecord(data)) return false;
  return [data["inputs"], data["outputs"]].some((list) => Array.isArray(list) && list.length > 0);
}
