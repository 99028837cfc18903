import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError, messageOf } from "../../errors.ts";
import { compileOwn, discoverOwn, type OwnFile } from "../../workflows/discover/own.ts";
import { explainMissing } from "../../workflows/explain.ts";
import { knownParameter } from "../../workflows/known-parameters.ts";
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
export async function checkWorkflow(file: string, backend: CheckBackend): Promise<Checked> {
  const own = await readOwn(file);
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
    ...notes.map((note) => `  note: ${note}`),
    `  ${state.text}`,
  ];
  return { report: lines.join("\n"), ok: state.ok };
}

/** Writes the discovered binding beside a workflow and returns its path. */
export async function initWorkflow(
  file: string,
  { force, objectInfo }: { force: boolean; objectInfo?: (() => Promise<ObjectInfo>) | undefined },
): Promise<string> {
  const { bindingText: present, ...own } = await readOwn(file);
  if (present !== undefined && !force) {
    throw new AppError(
      "invalid_input",
      `${own.bindingFile} is there already. Edit it, or replace it with --force.`,
    );
  }
  // A ComfyUI that does not answer only means fewer known output nodes.
  const info = await objectInfo?.().catch(() => undefined);
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

/** `FILE` may be either of the two files. */
async function readOwn(file: string): Promise<OwnFile> {
  const { dir, base } = path.parse(path.resolve(file));
  const name = base.replace(/(\.binding)?\.json$/, "");
  const [graphFile, bindingFile] = [`${name}.json`, `${name}.binding.json`].map((each) =>
    path.join(dir, each),
  ) as [string, string];
  try {
    const graphText = await readFile(graphFile, "utf8");
    const bindingText = await readFile(bindingFile, "utf8").catch(absent);
    return { name, graphFile, graphText, bindingFile, bindingText };
  } catch (error) {
    throw new AppError(
      "invalid_input",
      `${graphFile} cannot be read: ${messageOf(error)}. Give the file that ComfyUI's Workflow > Export (API) saved.`,
      { cause: error },
    );
  }
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
