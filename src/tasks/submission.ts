import { randomInt, randomUUID } from "node:crypto";
import type { Backend } from "../comfy/backend.ts";
import type { ObjectInfo } from "../comfy/protocol.ts";
import type { SaveTo } from "../files/save-to.ts";
import type { ImageSources } from "../images/source.ts";
import type { ImageStore } from "../images/store.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { chooseWorkflow } from "../workflows/choose.ts";
import { efforts, effortWords } from "../workflows/known-parameters.ts";
import { resolveLoras } from "../workflows/loras.ts";
import { composePrompt, type PromptSources } from "../workflows/prompt.ts";
import { checkChoices, resolveParameters } from "../workflows/resolve.ts";
import { type RenderSize, renderSize, sizeRules } from "../workflows/sizes.ts";
import type { Workflow } from "../workflows/workflow.ts";
import { withEditingModel } from "./edit-in-words.ts";
import { prepareInputs } from "./inputs.ts";
import { checkBounds, maxSeed, type TaskRequest, withVariation } from "./request.ts";
import type { TaskStore } from "./store/store.ts";
import { newTaskId, type Run, type Size, type Task } from "./task.ts";
import { ruledOut } from "./unmet.ts";

/** Before something is said to be missing, what is there must have been read this recently. */
const freshMs = 5_000;

export interface Submission {
  task: Task;
  workflow: Workflow;
}

export interface SubmissionParts {
  backend: Backend;
  catalog: Catalog;
  sources: ImageSources;
  images: ImageStore;
  saver: SaveTo;
  prompts: PromptSources;
  store: TaskStore;
}

/**
 * Turns a call into a task: workflow, model files, every parameter, the seed of every picture,
 * inputs kept under their hash. Everything that can be wrong with a call is found here.
 */
export async function prepare(
  parts: SubmissionParts,
  tool: string,
  asked: TaskRequest,
  signal?: AbortSignal,
): Promise<Submission> {
  checkBounds(asked);
  const request = { ...asked, parameters: withVariation(asked.parameters) };
  await checkTarget(parts.saver, request);
  await parts.backend.ready();
  const { workflow, choices, objectInfo, note } = await choose(parts, tool, request);
  const effort = presetFor(workflow, request.quality);
  const given = tool === "upscale" ? withoutSize(request.parameters) : request.parameters;
  const args = { ...madeHere(workflow), ...effort.values, ...given };
  const { values, warnings } = resolveParameters(workflow, args);
  checkChoices(workflow, args, objectInfo);
  const loras = request.loras === undefined ? [] : resolveLoras(request.loras, objectInfo);
  const sizes = sizesFor(workflow, request, choices);
  const runs = await runsFor(parts.prompts, workflow, request, values);
  const id = newTaskId();
  const useInput = (sha256: string) => parts.store.useInputs(id, [sha256]);
  const { fitted, ...inputs } = await prepareInputs(
    { ...parts, useInput },
    tool,
    workflow,
    choices,
    request,
    signal,
  ).catch((error) => {
    const isMaskless = tool === "inpaint" && request.parameters["mask"] === undefined;
    throw isMaskless ? withEditingModel(error, parts.catalog, objectInfo) : error;
  });
  const params: Record<string, unknown> = { ...values, ...sizes?.deliver };
  for (const name of ["seed", ...imageParameters(workflow)]) delete params[name];
  const task: Task = {
    id,
    tool,
    workflow: workflow.name,
    graphHash: workflow.graphHash,
    backend: parts.backend.url,
    state: "queued",
    createdAt: new Date().toISOString(),
    params: { ...params, ...recorded(request) },
    ...inputs,
    choices,
    ...(loras.length > 0 && workflow.loras ? { loras } : {}),
    ...(sizes ? { render: sizes.render } : {}),
    ...(sizes && differs(sizes.render, sizes.deliver) ? { deliver: sizes.deliver } : {}),
    ...(request.saveTo === undefined
      ? {}
      : { saveTo: { target: request.saveTo, overwrite: request.overwrite ?? false } }),
    outputFormat: request.outputFormat ?? "png",
    ...(fitted ? { fit: fitted } : {}),
    runs,
    warnings: [
      ...(note === undefined ? [] : [note]),
      ...(workflow.note ? [workflow.note] : []),
      ...warnings,
      ...effort.warnings,
      ...ignored(workflow, request),
      ...ruledOut(tool, asked),
    ],
  };
  return { task, workflow };
}

/** Parameters for whose sake another workflow is taken than the first that can run. */
const counting: readonly string[] = ["strength", "prompt"];

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== "";
}

/** Of an enlargement: the size of what is handed over, not of anything that is painted. */
function withoutSize(parameters: TaskRequest["parameters"]): TaskRequest["parameters"] {
  const { width, height, ...rest } = parameters;
  return rest;
}

/** A model that was put there a minute ago is found: a refusal is not given on old knowledge. */
async function choose({ backend, catalog }: SubmissionParts, tool: string, request: TaskRequest) {
  const wishes = {
    model: request.model,
    taking: counting.filter((name) => isGiven(request.parameters[name])),
  };
  const among = (objectInfo: ObjectInfo) => ({
    ...chooseWorkflow(catalog, tool, request.workflow, objectInfo, wishes),
    objectInfo,
  });
  const known = await backend.objectInfo();
  try {
    return among(known);
  } catch (error) {
    const fresh = await backend.objectInfo(freshMs);
    if (fresh === known) throw error;
    return among(fresh);
  }
}

async function checkTarget(saver: SaveTo, { saveTo, count = 1, overwrite }: TaskRequest) {
  if (saveTo !== undefined) await saver.check("save_to", saveTo, count, { overwrite });
}

/** Pictures that are given or made below; their slots are filled when they are uploaded. */
function madeHere(workflow: Workflow): Record<string, unknown> {
  return workflow.parameters["mask"] ? { mask: "made from image" } : {};
}

function imageParameters(workflow: Workflow): string[] {
  return Object.values(workflow.parameters)
    .filter(({ type }) => type === "image")
    .map(({ name }) => name);
}

/** What is not a parameter of the workflow but belongs to the recipe of the picture. */
function recorded(request: TaskRequest) {
  const { quality, styles, factor, fit, padding, grow, feather, background } = request;
  const all = { quality, styles, factor, fit, padding, grow, feather, background };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

interface Preset {
  values: Readonly<Record<string, unknown>>;
  warnings: string[];
}

/** The asked effort, or the nearest one that the workflow has. */
function presetFor(workflow: Workflow, quality: string | undefined): Preset {
  if (quality === undefined) return { values: {}, warnings: [] };
  const place = [...efforts].map(String).indexOf(quality);
  const [nearest] = efforts
    .filter((effort) => workflow.presets[effort])
    .toSorted(
      (a, b) => Math.abs(efforts.indexOf(a) - place) - Math.abs(efforts.indexOf(b) - place),
    );
  const warning =
    nearest === undefined
      ? [`quality has no effect: workflow ${workflow.name} has no steps to vary.`]
      : nearest === quality
        ? []
        : [
            `quality: workflow ${workflow.name} has no "${wordOf(quality)}"; "${effortWords[nearest]}" was used.`,
          ];
  return { values: (nearest && workflow.presets[nearest]) ?? {}, warnings: warning };
}

function wordOf(quality: string): string {
  const effort = efforts.find((word) => word === quality);
  return effort ? effortWords[effort] : quality;
}

/** Picture i uses seed + i, so that each can be made again alone. */
async function runsFor(
  sources: PromptSources,
  workflow: Workflow,
  request: TaskRequest,
  values: Readonly<Record<string, unknown>>,
): Promise<Run[]> {
  const first = request.seed ?? randomInt(2 ** 32);
  const runs: Run[] = [];
  for (let i = 0; i < (request.count ?? 1); i += 1) {
    const seed = (first + i) % (maxSeed + 1);
    const run: Run = { promptId: randomUUID(), state: "queued", images: [] };
    // Wildcards are drawn from it too, so it is on record even where the graph has no seed.
    const prompts = await promptsFor(sources, request, values, seed);
    if (workflow.parameters["seed"] || prompts.drawn) run.seed = seed;
    if (prompts.prompt !== values["prompt"]) run.prompt = prompts.prompt;
    if (workflow.parameters["negative_prompt"] && prompts.negative !== values["negative_prompt"]) {
      run.negativePrompt = prompts.negative;
    }
    runs.push(run);
  }
  return runs;
}

async function promptsFor(
  sources: PromptSources,
  { styles = [], parameters }: TaskRequest,
  values: Readonly<Record<string, unknown>>,
  seed: number,
) {
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const prompt = text(values["prompt"]);
  const negative = text(values["negative_prompt"] ?? parameters["negative_prompt"]);
  const composed = await composePrompt({ prompt, negative, styles, seed }, sources);
  return { ...composed, drawn: /__.+__|\{.*\|.*\}/s.test(prompt + negative) };
}

function sizesFor(
  workflow: Workflow,
  request: TaskRequest,
  choices: Record<string, string>,
): RenderSize | undefined {
  const rules = sizeRules(workflow, choices);
  if (!rules) return undefined;
  const { width, height } = request.parameters;
  const asked = { width: side(width), height: side(height), aspectRatio: request.aspectRatio };
  return renderSize(asked, rules);
}

function side(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function differs(a: Size, b: Size): boolean {
  return a.width !== b.width || a.height !== b.height;
}

/** What was asked for and this workflow cannot follow. */
function ignored(workflow: Workflow, request: TaskRequest): string[] {
  const without = (what: string, why: string) =>
    `${what} has no effect: workflow ${workflow.name} has no ${why}.`;
  return [
    ...(request.seed !== undefined && !workflow.parameters["seed"]
      ? [without("seed", "seed")]
      : []),
    ...((request.count ?? 1) > 1 && !workflow.parameters["seed"]
      ? [without("count above 1 (every picture will be the same)", "seed")]
      : []),
    ...(request.loras !== undefined && !workflow.loras ? [without("loras", "place for them")] : []),
    ...(request.model !== undefined && !workflow.model
      ? [without("model", "model to choose")]
      : []),
  ];
}
