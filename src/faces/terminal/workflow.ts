import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError, messageOf } from "../../errors.ts";
import { compileOwn, discoverOwn, type OwnFile } from "../../workflows/discover/own.ts";
import { explainMissing } from "../../workflows/explain.ts";
import { knownParameter } from "../../workflows/known-parameters.ts";
import { isCarrier, type OwnGraph, readOwnGraph } from "../../workflows/own-graph.ts";
import { readiness } from "../../workflows/readiness.ts";
import {
  type Parameter,
  type Problem,
  problemText,
  type Workflow,
} from "../../workflows/workflow.ts";

type ObjectInfo = Parameters<typeof readiness>[1];

/** The ComfyUI a workflow is checked against. */
export interface CheckBackend {
  url: string;
  objectInfo(): Promise<ObjectInfo>;
}

export interface Checked {
  report: string;
  /** It loads, and nothing is known to be missing. */
  ok: boolean;
}

/** What a server makes of a workflow file, and what its ComfyUI lacks for it. */
export async function checkWorkflow(file: string, given: CheckBackend): Promise<Checked> {
  const backend = askedOnce(given);
  const own = await readOwn(file, backend);
  if ("pending" in own) {
    return { report: `${own.graphFile}\n  waits: it ${own.pending}`, ok: true };
  }
  if ("reason" in own) return { report: `${own.graphFile}: ${own.reason}`, ok: false };
  const compiled = compileOwn(own);
  if ("problems" in compiled) return { report: refusal(compiled.problems), ok: false };
  const { workflow, notes } = compiled;
  const state = await stateOf(workflow, backend);
  const lines = [
    `${own.graphFile}`,
    `  tool         ${workflow.tool}`,
    `  workflow     ${workflow.name} (${workflow.title})`,
    `  description  ${workflow.description}`,
    `  outputs      ${workflow.outputs.map((id) => `${id} (${workflow.graph[id]?.class_type})`).join(", ")}`,
    "  parameters",
    ...Object.values(workflow.parameters).flatMap(parameterLines),
    ...(Object.keys(workflow.parameters).length === 0 ? ["    none"] : []),
    ...[...own.notes, ...notes].map((note) => `  note: ${note}`),
    `  ${state.text}`,
  ];
  return { report: lines.join("\n"), ok: state.ok };
}

/** Writes the discovered binding beside a workflow and returns its path. */
export async function initWorkflow(
  file: string,
  { force, url = "its URL", objectInfo }: { force: boolean } & Partial<CheckBackend>,
): Promise<string> {
  const asked = objectInfo && askedOnce({ url, objectInfo });
  const read = await readOwn(file, asked);
  if ("pending" in read) {
    throw new AppError("comfy_unreachable", `${read.graphFile} ${read.pending}.`);
  }
  if ("reason" in read) {
    throw new AppError("workflow_invalid", `${read.graphFile}: ${read.reason}`);
  }
  const { bindingText: present, ...own } = read;
  if (present !== undefined && !force) {
    throw new AppError(
      "invalid_input",
      `${own.bindingFile} is there already. Edit it, or replace it with --force.`,
    );
  }
  // A ComfyUI that does not answer only means fewer known output nodes.
  const info = await asked?.objectInfo().catch(() => undefined);
  const found = discoverOwn(own, info);
  if ("problems" in found) throw new AppError("workflow_invalid", refusal(found.problems));
  const text = `${JSON.stringify(found.binding, null, 2)}\n`;
  const compiled = compileOwn({ ...own, bindingText: text });
  if ("problems" in compiled) throw new AppError("workflow_invalid", refusal(compiled.problems));
  try {
    await writeFile(own.bindingFile, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    throw new AppError(
      "invalid_input",
      `${own.bindingFile} cannot be written: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return own.bindingFile;
}

/** However often it is asked here, ComfyUI is asked once. */
export function askedOnce({ url, objectInfo }: CheckBackend): CheckBackend {
  let asked: Promise<ObjectInfo> | undefined;
  return {
    url,
    objectInfo() {
      asked ??= objectInfo();
      return asked;
    },
  };
}

type Own =
  | (OwnFile & { notes: string[] })
  | { graphFile: string; pending: string }
  | { graphFile: string; reason: string };

/** `FILE` may be either of the two files. */
async function readOwn(file: string, backend?: CheckBackend): Promise<Own> {
  const { dir, name: stem, ext } = path.parse(path.resolve(file));
  const name = stem.replace(/\.binding$/, "");
  const isPicture = isCarrier(file);
  const graphFile = path.join(dir, `${name}${isPicture ? ext : ".json"}`);
  const bindingFile = path.join(dir, `${name}.binding.json`);
  try {
    const bindingText = await readFile(bindingFile, "utf8").catch(absent);
    const read = await readWithNodes(graphFile, backend);
    if ("pending" in read) return { graphFile, pending: read.pending };
    if ("reason" in read) return { graphFile, reason: read.reason };
    const { graphText, app, notes } = read;
    return { name, graphFile, graphText, bindingFile, bindingText, app, notes };
  } catch (error) {
    throw unreadable(graphFile, error);
  }
}

/** Asks ComfyUI about its nodes only where the file needs it. */
export async function readWithNodes(file: string, backend?: CheckBackend): Promise<OwnGraph> {
  const read = await readOwnGraph(file);
  if (!backend || !("pending" in read || read.usesNodes)) return read;
  try {
    return await readOwnGraph(file, await backend.objectInfo());
  } catch (error) {
    if (!("pending" in read)) return read;
    const why = `none answered at ${backend.url} (${messageOf(error)})`;
    return { pending: `${read.pending}: ${why}` };
  }
}

export function unreadable(file: string, error: unknown): AppError {
  return new AppError(
    "invalid_input",
    `${file} cannot be read: ${messageOf(error)}. Give a workflow that ComfyUI saved or exported, or a picture it made.`,
    { cause: error },
  );
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}

function refusal(problems: readonly Problem[]): string {
  return problems.map(problemText).join("\n");
}

function parameterLines(parameter: Parameter): string[] {
  const { name, type, slots, required } = parameter;
  const facts = [
    type,
    ...(required ? ["required"] : []),
    ...(parameter.default === undefined ? [] : [`default ${shown(parameter.default)}`]),
    ...limits(parameter),
  ];
  const description = parameter.description ?? knownParameter(name)?.description;
  return [
    `    ${name}: ${facts.join(", ")}`,
    `      slots ${slots.map((slot) => slot.text).join(", ")}`,
    ...(description === undefined ? [] : [`      ${description}`]),
  ];
}

function limits({ minimum, maximum, multipleOf, choices }: Parameter): string[] {
  return [
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
    ...(multipleOf === undefined ? [] : [`multiple of ${multipleOf}`]),
    ...(choices === undefined ? [] : [`one of ${choices.map(shown).join(", ")}`]),
  ];
}

const longestShown = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > longestShown ? `${text.slice(0, longestShown - 1)}…` : text;
}

async function stateOf(
  workflow: Workflow,
  { url, objectInfo }: CheckBackend,
): Promise<{ text: string; ok: boolean }> {
  let info: ObjectInfo;
  try {
    info = await objectInfo();
  } catch (error) {
    const text = `not checked against a ComfyUI: none answered at ${url} (${messageOf(error)})`;
    return { text, ok: true };
  }
  const state = readiness(workflow, info);
  return state.ready
    ? { text: `ready: the ComfyUI at ${url} has all it needs`, ok: true }
    : { text: `not ready on ${url}: ${explainMissing(workflow, state)}`, ok: false };
}
