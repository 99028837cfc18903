import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { AppError, messageOf } from "../errors.ts";
import { nearest } from "../words.ts";
import { compile } from "./compile.ts";
import { compileOwn } from "./discover/own.ts";
import { type Problem, problemText, type Workflow } from "./workflow.ts";

/**
 * A folder of workflows. A trusted one holds whole pairs and all of them must load; elsewhere what
 * a binding does not say is discovered, and a bad file is left out.
 */
export interface WorkflowFolder {
  dir: string;
  trusted: boolean;
}

export interface LoadedCatalog {
  catalog: Catalog;
  problems: Problem[];
  /** What a loaded file has and a caller does not get, such as a choice made at load. */
  notes: Problem[];
}

/** The workflows of a server. The object stays the same when its content is replaced. */
export class Catalog {
  #tools: ReadonlyMap<string, Workflow[]>;
  readonly #listeners = new Set<() => void>();

  constructor(workflows: readonly Workflow[]) {
    this.#tools = byTool(workflows);
  }

  /** Swaps the whole content at once and tells the listeners. */
  replace(workflows: readonly Workflow[]): void {
    this.#tools = byTool(workflows);
    for (const listener of [...this.#listeners]) listener();
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
 * Reads every `NAME.json` with its `NAME.binding.json`. Throws `workflow_invalid` with all that is
 * wrong in trusted folders; what is wrong elsewhere comes back as problems.
 */
export async function loadCatalog(folders: readonly WorkflowFolder[]): Promise<LoadedCatalog> {
  const workflows: Workflow[] = [];
  const fatal: Problem[] = [];
  const problems: Problem[] = [];
  const notes: Problem[] = [];
  for (const folder of folders) {
    const loaded = await loadFolder(folder);
    notes.push(...loaded.notes);
    const refused = [...loaded.problems];
    for (const workflow of loaded.workflows) {
      const conflict = conflictWith(workflows, workflow);
      if (conflict === undefined) workflows.push(workflow);
      else refused.push({ file: workflow.file, reason: conflict });
    }
    (folder.trusted ? fatal : problems).push(...refused);
  }
  if (fatal.length > 0) {
    throw new AppError("workflow_invalid", fatal.map(problemText).join("\n"));
  }
  return { catalog: new Catalog(workflows), problems, notes };
}

interface LoadedFolder {
  workflows: Workflow[];
  problems: Problem[];
  notes: Problem[];
}

async function loadFolder({ dir, trusted }: WorkflowFolder): Promise<LoadedFolder> {
  const loaded: LoadedFolder = { workflows: [], problems: [], notes: [] };
  let files: string[];
  try {
    files = await readdir(dir);
  } catch (error) {
    const option = trusted ? "" : " It is that of --workflows-dir (EASEL_WORKFLOWS_DIR).";
    const reason = `the workflow folder cannot be read: ${messageOf(error)}.${option}`;
    return { ...loaded, problems: [{ file: dir, reason }] };
  }
  for (const name of pairNames(files)) {
    const result = await loadPair(dir, name, { files, trusted });
    if ("workflow" in result) {
      const { workflow, notes } = result;
      loaded.workflows.push(workflow);
      loaded.notes.push(...notes.map((reason) => ({ file: workflow.file, reason })));
    } else loaded.problems.push(...result.problems);
  }
  return loaded;
}

function pairNames(files: readonly string[]): string[] {
  const names = files
    .filter((file) => file.endsWith(".json") && !file.startsWith("."))
    .map((file) => file.replace(/(\.binding)?\.json$/, ""));
  return [...new Set(names)].sort(byText);
}

type Loaded = { workflow: Workflow; notes: string[] } | { problems: Problem[] };

async function loadPair(
  dir: string,
  name: string,
  { files, trusted }: { files: readonly string[]; trusted: boolean },
): Promise<Loaded> {
  const graphFile = path.join(dir, `${name}.json`);
  const bindingFile = path.join(dir, `${name}.binding.json`);
  const hasBinding = files.includes(path.basename(bindingFile));
  if (trusted && !hasBinding) {
    const reason = `has no binding; put ${path.basename(bindingFile)} beside it`;
    return { problems: [{ file: graphFile, reason }] };
  }
  if (!files.includes(path.basename(graphFile))) {
    const reason = `has no graph; put ComfyUI's Export (API) beside it as ${path.basename(graphFile)}`;
    return { problems: [{ file: bindingFile, reason }] };
  }
  try {
    const graphText = await readFile(graphFile, "utf8");
    const bindingText = hasBinding ? await readFile(bindingFile, "utf8") : undefined;
    const texts = { name, graphFile, graphText, bindingFile };
    if (!trusted) return compileOwn({ ...texts, bindingText });
    const compiled = compile({ ...texts, bindingText: bindingText ?? "" });
    return "workflow" in compiled ? { ...compiled, notes: [] } : compiled;
  } catch (error) {
    return { problems: [{ file: graphFile, reason: `cannot be read: ${messageOf(error)}` }] };
  }
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

/** Not by locale: the order is the same on every machine. */
function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function notFound(fact: string, name: string, known: readonly string[]): AppError {
  const near = nearest(name, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(" or ")}?` : "";
  return new AppError("not_found", `${fact}${hint} Known: ${known.join(", ") || "none"}.`);
}
