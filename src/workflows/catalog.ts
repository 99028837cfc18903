import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import { byText, nearest } from "../words.ts";
import { loadFolder, type WorkflowFolder } from "./load-folder.ts";
import { loadSaved, type SavedFile } from "./saved.ts";
import { type Problem, problemText, type Workflow } from "./workflow.ts";

export interface LoadedCatalog {
  catalog: Catalog;
  problems: Problem[];
  /** What a loaded file has and a caller does not get, such as a choice made at load. */
  notes: Problem[];
  /** Editor workflows that wait for a ComfyUI to say which nodes it has. */
  pending: Problem[];
  /** Whether other node definitions could change the content. */
  usesNodes: boolean;
}

/** The workflows of a server. The object stays the same when its content is replaced. */
export class Catalog {
  #tools: ReadonlyMap<string, Workflow[]> = new Map();
  #unlisted: readonly Workflow[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(workflows: readonly Workflow[]) {
    this.#hold(workflows);
  }

  /** Swaps the whole content at once and tells the listeners. */
  replace(workflows: readonly Workflow[]): void {
    this.#hold(workflows);
    for (const listener of [...this.#listeners]) listener();
  }

  #hold(workflows: readonly Workflow[]): void {
    this.#tools = byTool(workflows.filter(({ unlisted }) => unlisted !== true));
    this.#unlisted = workflows.filter(({ unlisted }) => unlisted === true);
  }

  /** Calls back after every change of the content; returns the end of that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tools(): string[] {
    return [...this.#tools.keys()].sort(byText);
  }

  /** By priority, then name: the order in which they are tried. */
  ofTool(tool: string): Workflow[] {
    return [...(this.#tools.get(tool) ?? [])];
  }

  get(tool: string, name: string): Workflow {
    const workflows = this.ofTool(tool);
    const hidden = this.#unlisted.find((each) => each.tool === tool && each.name === name);
    if (hidden) return hidden;
    if (workflows.length === 0) {
      throw notFound(`No workflow serves the tool "${tool}".`, tool, this.tools());
    }
    const found = workflows.find((workflow) => workflow.name === name);
    if (found) return found;
    const names = workflows.map((workflow) => workflow.name);
    throw notFound(`The tool ${tool} has no workflow "${name.slice(0, 60)}".`, name, names);
  }

  all(): Workflow[] {
    return this.tools().flatMap((tool) => this.ofTool(tool));
  }

  /** In no list and never taken by itself: for calls that name them. */
  unlisted(): readonly Workflow[] {
    return this.#unlisted;
  }
}

function byTool(workflows: readonly Workflow[]): Map<string, Workflow[]> {
  const tools = new Map<string, Workflow[]>();
  for (const workflow of workflows) {
    const others = tools.get(workflow.tool) ?? [];
    tools.set(workflow.tool, [...others, workflow].sort(inOrder));
  }
  return tools;
}

/**
 * Reads every `NAME.json` with its `NAME.binding.json`, and in folders that are not trusted also
 * editor workflows, by what a ComfyUI says about its nodes, and pictures that carry a workflow.
 * Throws `workflow_invalid` with all that is wrong in trusted folders; what is wrong elsewhere
 * comes back as problems. `saved` are a person's workflows in ComfyUI; those in folders go first.
 */
export async function loadCatalog(
  folders: readonly WorkflowFolder[],
  objectInfo?: ObjectInfo,
  saved: readonly SavedFile[] = [],
): Promise<LoadedCatalog> {
  const workflows: Workflow[] = [];
  const fatal: Problem[] = [];
  const problems: Problem[] = [];
  const notes: Problem[] = [];
  const pending: Problem[] = [];
  let usesNodes = false;
  for (const folder of folders) {
    const loaded = await loadFolder(folder, objectInfo);
    notes.push(...loaded.notes);
    pending.push(...loaded.pending);
    usesNodes ||= loaded.usesNodes;
    const refused = [...loaded.problems];
    for (const workflow of loaded.workflows) {
      const conflict = conflictWith(workflows, workflow);
      if (conflict === undefined) workflows.push(workflow);
      else refused.push({ file: workflow.file, reason: conflict });
    }
    (folder.trusted ? fatal : problems).push(...refused);
  }
  const onServer = loadSaved(saved, objectInfo);
  problems.push(...onServer.problems);
  notes.push(...onServer.notes);
  pending.push(...onServer.pending);
  usesNodes ||= onServer.usesNodes;
  for (const workflow of onServer.workflows) {
    const conflict = conflictWith(workflows, workflow);
    if (conflict === undefined) workflows.push(workflow);
    else notes.push({ file: workflow.file, reason: `stays out: ${conflict}` });
  }
  if (fatal.length > 0) {
    throw new AppError("workflow_invalid", fatal.map(problemText).join("\n"));
  }
  return { catalog: new Catalog(workflows), problems, notes, pending, usesNodes };
}

/** Why a workflow cannot stand beside those already there. */
function conflictWith(others: readonly Workflow[], workflow: Workflow): string | undefined {
  const { tool, name } = workflow;
  for (const other of others.filter((each) => each.tool === tool)) {
    if (other.name === name) {
      return `the tool ${tool} already has a workflow "${name}" from ${other.file}; give this one another "name"`;
    }
    for (const [key, { type }] of Object.entries(workflow.parameters)) {
      const otherType = other.parameters[key]?.type;
      if (otherType !== undefined && otherType !== type) {
        return `parameter "${key}" is of type ${type} here and ${otherType} in ${other.file}, which serves the same tool; rename one`;
      }
    }
  }
  return undefined;
}

function inOrder(a: Workflow, b: Workflow): number {
  return a.priority - b.priority || byText(a.name, b.name);
}

function notFound(fact: string, name: string, known: readonly string[]): AppError {
  const near = nearest(name, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(" or ")}?` : "";
  return new AppError("not_found", `${fact}${hint} Known: ${known.join(", ") || "none"}.`);
}
