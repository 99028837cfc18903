import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { ObjectInfo } from "../comfy/protocol.ts";
import { messageOf } from "../errors.ts";
import { byText } from "../words.ts";
import { compile } from "./compile.ts";
import { compileOwn } from "./discover/own.ts";
import { isCarrier, readOwnGraph } from "./own-graph.ts";
import type { Problem, Workflow } from "./workflow.ts";

/**
 * A folder of workflows. A trusted one holds whole pairs and all of them must load; elsewhere what
 * a binding does not say is discovered, and a bad file is left out.
 */
export interface WorkflowFolder {
  dir: string;
  trusted: boolean;
  /** What was read from it, once and for all: it does not change while a server runs. */
  loaded?: LoadedFolder;
}

export interface LoadedFolder {
  workflows: Workflow[];
  problems: Problem[];
  notes: Problem[];
  pending: Problem[];
  usesNodes: boolean;
}

export async function loadFolder(
  { dir, trusted, loaded: already }: WorkflowFolder,
  objectInfo: ObjectInfo | undefined,
): Promise<LoadedFolder> {
  if (already) return already;
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
      const { workflow, variants, notes } = result;
      loaded.workflows.push(workflow, ...variants);
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
  | { workflow: Workflow; variants: Workflow[]; notes: string[] }
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
    return "workflow" in compiled ? { ...compiled, variants: [], notes: [] } : compiled;
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
    return { ...compiled, notes, usesNodes };
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
