import type { ObjectInfo } from "../../comfy/protocol.ts";
import { bindingOfApp } from "../app-binding.ts";
import type { AppMode } from "../app-mode.ts";
import { compile } from "../compile.ts";
import type { Problem, Workflow } from "../workflow.ts";
import { branchesOf, variantsOf } from "./branches.ts";
import { type Discovered, discover } from "./discover.ts";

/** A workflow somebody dropped into a folder, as read from disk. */
export interface OwnFile {
  /** File name without its ending. */
  name: string;
  graphFile: string;
  graphText: string;
  bindingFile: string;
  /** Unset when there is no binding beside it. */
  bindingText?: string | undefined;
  /** What its author made of it in App Mode. */
  app?: AppMode | undefined;
}

export interface OwnWorkflow {
  workflow: Workflow;
  /** The same with other choices of its flow, unlisted. */
  variants: Workflow[];
  /** What the file has and a caller does not get. */
  notes: string[];
}

/** The workflow of an export, its binding discovered where the file beside it is silent. */
export function compileOwn(file: OwnFile): OwnWorkflow | { problems: Problem[] } {
  const found = discoverOwn(file);
  if ("problems" in found) return found;
  const { bindingFile, bindingText, graphFile, name } = file;
  const compiled = compile({
    name,
    graphFile,
    graphText: JSON.stringify(found.graph),
    bindingFile: bindingText === undefined ? graphFile : bindingFile,
    bindingText: JSON.stringify(found.binding),
  });
  if ("problems" in compiled) return compiled;
  return { ...withVariants(file, compiled.workflow), notes: found.notes };
}

/** A variant that does not load is left out: the workflow itself is there. */
function withVariants(
  file: OwnFile,
  workflow: Workflow,
): Pick<OwnWorkflow, "workflow" | "variants"> {
  const graph = parseJson(file.graphText);
  const data = "data" in graph ? graph.data : undefined;
  const branches = branchesOf(data);
  const variants = variantsOf(data, branches).flatMap(({ values, data: chosen }) => {
    const own = { ...file, graphText: JSON.stringify(chosen) };
    // A binding beside it may name nodes of the branch that is the workflow's own.
    const made =
      variantOf(own, workflow, values) ??
      variantOf({ ...own, bindingText: undefined }, workflow, values);
    return made ? [{ ...made, variant: { of: workflow.name, values } }] : [];
  });
  if (variants.length === 0) return { workflow, variants };
  return { workflow: { ...workflow, branches }, variants };
}

function variantOf(
  file: OwnFile,
  { name: main, tool }: Workflow,
  values: Readonly<Record<string, string>>,
): Workflow | undefined {
  const found = discoverOwn(file);
  if ("problems" in found) return undefined;
  const name = [main, ...Object.values(values)].join(".").replace(/[^\w.-]+/g, "_");
  const compiled = compile({
    ...{ name, graphFile: file.graphFile, bindingFile: file.graphFile },
    graphText: JSON.stringify(found.graph),
    bindingText: JSON.stringify({ ...found.binding, name, tool, unlisted: true }),
  });
  return "problems" in compiled ? undefined : compiled.workflow;
}

export function discoverOwn(
  file: OwnFile,
  objectInfo?: ObjectInfo,
): Discovered | { problems: Problem[] } {
  const { bindingFile, bindingText, graphFile, graphText, name } = file;
  const graph = parseJson(graphText);
  const own = bindingText === undefined ? { data: undefined } : parseJson(bindingText);
  if ("reason" in graph) return { problems: [{ file: graphFile, reason: graph.reason }] };
  if ("reason" in own) return { problems: [{ file: bindingFile, reason: own.reason }] };
  if (bindingText !== undefined && (typeof own.data !== "object" || own.data === null)) {
    return { problems: [{ file: bindingFile, reason: 'is not a binding; write { "tool": … }' }] };
  }
  const source = { name, data: graph.data, own: own.data, objectInfo };
  const given = file.app ? bindingOfApp(source, file.app) : { own: own.data };
  const found = "reason" in given ? given : discover({ ...source, ...given });
  return "reason" in found ? { problems: [{ file: graphFile, reason: found.reason }] } : found;
}

function parseJson(text: string): { data: unknown } | { reason: string } {
  // Editors on Windows may put a byte order mark in front.
  const json = text.replace(/^\uFEFF/, "");
  if (json.trim() === "") return { reason: "is empty; it is read again when it changes" };
  try {
    return { data: JSON.parse(json) };
  } catch (error) {
    return { reason: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
