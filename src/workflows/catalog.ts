import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError, messageOf } from "../errors.ts";
import { nearest } from "../words.ts";
import { compile } from "./compile.ts";
import { compileOwn } from "./discover/own.ts";
import { isCarrier, readOwnGraph } from "./own-graph.ts";
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
  /** Editor workflows that wait for a ComfyUI to say which nodes it has. */
  pending: Problem[];
  /** Whether other node definitions could change the content. */
  usesNodes: boolean;
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
 * Reads every `NAME.json` with its `NAME.binding.json`, and in folders that are not trusted also
 * editor workflows, by what a ComfyUI says about its nodes, and pictures that carry a workflow.
 * Throws `workflow_invalid` with all that is wrong in trusted folders; what is wrong elsewhere
 * comes back as problems.
 */
export async function loadCatalog(
  folders: readonly WorkflowFolder[],
  objectInfo?: ObjectInfo,
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
  if (fatal.length > 0) {
    throw new AppError("workflow_invalid", fatal.map(problemText).join("\n"));
  }
  return { catalog: new Catalog(workflows), problems, notes, pending, usesNodes };
}

interface LoadedFolder {
  workflows: Workflow[];
  problems: Problem[];
  notes: Problem[];
  pending: Problem[];
  usesNodes: boolean;
}

async function loadFolder(
  { dir, trusted }: WorkflowFolder,
  objectInfo: ObjectInfo | undefined,
): Promise<LoadedFolder> {
  const loaded: LoadedFolder = {
    workflows: [],
    problems: [],
    notes: [],
    pending: [],
    usesNodes: false,
  };
  let files: string[];
  try {
    files = await readdir(dir);
  } catch (error) {
    const option = trusted ? "" : " It is that of --workflows-dir (EASEL_WORKFLOWS_DIR).";
    const reason = `the workflow folder cannot be read: ${messageOf(error)}.${option}`;
    return { ...loaded, problems: [{ file: dir, reason }] };
  }
  for (const pair of pairsIn(dir, files, trusted)) {
    const result = trusted ? await loadPair(pair) : await loadOwn(pair, objectInfo);
    loaded.usesNodes ||= result.usesNodes === true;
    if ("workflow" in result) {
      const { workflow, notes } = result;
      loaded.workflows.push(workflow);
      loaded.notes.push(...notes.map((reason) => ({ file: workflow.file, reason })));
    } else if ("pending" in result) loaded.pending.push(result.pending);
    else loaded.problems.push(...result.problems);
  }
  return loaded;
}

interface Pair {
  /** File name without its ending. */
  name: string;
  /** Unset where only the binding is there. */
  graphFile: string | undefined;
  bindingFile: string;
  hasBinding: boolean;
}

/** A picture counts where no graph has its name: people keep previews beside their workflows. */
function pairsIn(dir: string, files: readonly string[], trusted: boolean): Pair[] {
  const graphs = new Map<string, string | undefined>();
  const seen = files.filter((file) => !file.startsWith(".")).sort(byText);
  const json = seen.filter((file) => file.endsWith(".json"));
  for (const file of json) {
    const name = file.replace(/(\.binding)?\.json$/, "");
    const graph = `${name}.json`;
    if (file === graph || !graphs.has(name)) graphs.set(name, file === graph ? graph : undefined);
  }
  for (const file of trusted ? [] : seen.filter(isCarrier)) {
    const { name } = path.parse(file);
    graphs.set(name, graphs.get(name) ?? file);
  }
  return [...graphs]
    .sort(([a], [b]) => byText(a, b))
    .map(([name, graph]) => ({
      name,
      graphFile: graph && path.join(dir, graph),
      bindingFile: path.join(dir, `${name}.binding.json`),
      hasBinding: files.includes(`${name}.binding.json`),
    }));
}

type Loaded = { usesNodes?: boolean } & (
  | { workflow: Workflow; notes: string[] }
  | { problems: Problem[] }
  | { pending: Problem }
);

async function loadPair({ name, graphFile, bindingFile, hasBinding }: Pair): Promise<Loaded> {
  if (graphFile === undefined) return withoutGraph(bindingFile, name);
  if (!hasBinding) {
    const reason = `has no binding; put ${path.basename(bindingFile)} beside it`;
    return { problems: [{ file: graphFile, reason }] };
  }
  try {
    const graphText = await readFile(graphFile, "utf8");
    const bindingText = await readFile(bindingFile, "utf8");
    const compiled = compile({ name, graphFile, graphText, bindingFile, bindingText });
    return "workflow" in compiled ? { ...compiled, notes: [] } : compiled;
  } catch (error) {
    return unreadable(graphFile, error);
  }
}

async function loadOwn(pair: Pair, objectInfo: ObjectInfo | undefined): Promise<Loaded> {
  const { name, graphFile, bindingFile, hasBinding } = pair;
  if (graphFile === undefined) return withoutGraph(bindingFile, name);
  try {
    const read = await readOwnGraph(graphFile, objectInfo);
    if ("pending" in read) return { pending: { file: graphFile, reason: read.pending } };
    const { usesNodes } = read;
    if ("reason" in read) {
      return { problems: [{ file: graphFile, reason: read.reason }], usesNodes };
    }
    const bindingText = hasBinding ? await readFile(bindingFile, "utf8") : undefined;
    const { graphText, app } = read;
    const compiled = compileOwn({ name, graphFile, graphText, bindingFile, bindingText, app });
    if ("problems" in compiled) return { ...compiled, usesNodes };
    const notes = [...read.notes, ...compiled.notes];
    return { workflow: compiled.workflow, notes, usesNodes };
  } catch (error) {
    return unreadable(graphFile, error);
  }
}

function withoutGraph(file: string, name: string): Loaded {
  const reason = `has no graph; put ComfyUI's Export (API) beside it as ${name}.json`;
  return { problems: [{ file, reason }] };
}

function unreadable(file: string, error: unknown): Loaded {
  return { problems: [{ file, reason: `cannot be read: ${messageOf(error)}` }] };
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
