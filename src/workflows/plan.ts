import type { ObjectInfo } from "../comfy/protocol.ts";
import { bind } from "./bind.ts";
import type { Catalog } from "./catalog.ts";
import { chooseWorkflow } from "./choose.ts";
import { filled, gapsOf, gapWords } from "./editor/complete.ts";
import { efforts, effortWords } from "./known-parameters.ts";
import { type Lora, resolveLoras, spliceLoras } from "./loras.ts";
import { recordedOptions } from "./own-options.ts";
import { type Picture, picturesOf } from "./pictures.ts";
import type { PromptSources } from "./prompt.ts";
import type { Recipe } from "./recipe.ts";
import { type TaskRequest, withVariation } from "./request.ts";
import { checkChoices, resolveParameters } from "./resolve.ts";
import { type RenderSize, renderSize, type Size, sizeRules } from "./sizes.ts";
import { withStills } from "./stills.ts";
import { ruledOut } from "./unmet.ts";
import type { Value, Workflow } from "./workflow.ts";

export interface PlanSources {
  catalog: Catalog;
  prompts: PromptSources;
}

/** What a call comes to, before its pictures are fetched. */
export interface Plan {
  workflow: Workflow;
  recipe: Recipe;
  /** One per run. */
  pictures: Picture[];
  loras: Lora[];
  /** Every resolved parameter and recorded option but the seeds and the pictures. */
  params: Record<string, unknown>;
  /** The exact size of what is handed over, where the graph makes that size or nearly so. */
  deliver?: Size;
  /** The size that was asked for where the graph may make another. */
  asked?: Size;
  notes: string[];
}

/**
 * From a call to its recipe, given what a ComfyUI has installed: workflow and model files, values,
 * LoRAs, sizes, prompts and seeds. Throws `invalid_input`, `not_found` or `not_ready`.
 */
export async function plan(
  { catalog, prompts }: PlanSources,
  tool: string,
  request: TaskRequest,
  objectInfo: ObjectInfo,
): Promise<Plan> {
  const parameters = withVariation(request);
  const chosen = chooseWorkflow(catalog, tool, request.workflow, objectInfo, {
    model: request.model,
    taking: counting.filter((name) => isGiven(parameters[name])),
    given: Object.keys(parameters).filter((name) => isGiven(parameters[name])),
  });
  const { workflow, choices } = chosen;
  const preset = presetFor(workflow, request.quality);
  // Of an enlargement the size is that of what is handed over, not of anything that is painted.
  const given = tool === "upscale" ? without(parameters, ["width", "height"]) : parameters;
  const args = { ...madeHere(workflow), ...preset.values, ...given };
  const { values, warnings } = resolveParameters(workflow, args);
  checkChoices(workflow, args, objectInfo);
  const loras = request.loras === undefined ? [] : resolveLoras(request.loras, objectInfo);
  const sizes = sizesFor(workflow, { ...request, parameters }, choices);
  const pictures = await picturesOf(prompts, workflow, request, values);
  const spliced = workflow.loras ? loras : [];
  const recipe = recipeOf(workflow, { ...values, ...sizes?.render }, choices, spliced);
  const gaps = gapsOf(recipe.graph, objectInfo);
  return {
    workflow,
    recipe: withStills({ ...recipe, graph: filled(recipe.graph, gaps) }, objectInfo),
    pictures,
    loras: spliced,
    params: {
      ...without({ ...values, ...sizes?.deliver }, imageParameters(workflow)),
      ...recordedOptions(request),
      // Elsewhere it has become a width and a height.
      ...(tool === "outpaint" && request.aspectRatio !== undefined
        ? { aspect_ratio: request.aspectRatio }
        : {}),
    },
    ...(sizes && workflow.makesSize ? { deliver: sizes.deliver } : {}),
    ...(sizes && !workflow.makesSize && asksSize(request) ? { asked: sizes.deliver } : {}),
    notes: [
      ...(chosen.note === undefined ? [] : [chosen.note]),
      ...(workflow.note ? [workflow.note] : []),
      ...warnings,
      ...preset.notes,
      ...overruled(preset.values, given),
      ...ignored(workflow, request),
      ...ruledOut(request),
      ...(gaps.length > 0
        ? [
            `This ComfyUI needs more than the workflow holds, and has its defaults: ${gapWords(gaps)}.`,
          ]
        : []),
    ],
  };
}

/** Parameters for whose sake another workflow is taken than the first that can run. */
const counting: readonly string[] = ["strength", "prompt"];

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== "";
}

/** The workflow's graph with the shared values in it; seeds, prompts and uploads stay open. */
export function recipeOf(
  workflow: Workflow,
  values: Readonly<Record<string, Value>>,
  choices: Readonly<Record<string, string>>,
  loras: readonly Lora[],
): Recipe {
  const images = imageParameters(workflow);
  // What is given keeps its place, for a name that ComfyUI will choose.
  const given = Object.fromEntries(
    images.filter((name) => values[name] !== undefined).map((name) => [name, ""]),
  );
  const bound = bind(workflow, { ...without(values, ["seed", ...images]), ...given }, choices);
  const graph =
    workflow.loras && loras.length > 0 ? spliceLoras(bound, workflow.loras, loras) : bound;
  const openNames = ["seed", "prompt", "negative_prompt", ...Object.keys(given)];
  const open = openNames.flatMap((name) => {
    const slots = workflow.parameters[name]?.slots.map((slot) => slot.text);
    return slots ? [[name, slots] as const] : [];
  });
  return {
    graph,
    open: Object.fromEntries(open),
    outputs: workflow.outputs,
    files: { ...choices, ...loraFiles(workflow, graph) },
  };
}

/** The slots of the LoRA loaders that were put in. */
function loraFiles({ graph: own }: Workflow, graph: Recipe["graph"]): Record<string, string> {
  const added = Object.entries(graph).filter(([id]) => !Object.hasOwn(own, id));
  return Object.fromEntries(
    added.map(([id, { inputs }]) => [`${id}.lora_name`, String(inputs["lora_name"])]),
  );
}

/** Pictures that are made here; their slots are filled when they are uploaded. */
function madeHere(workflow: Workflow): Record<string, unknown> {
  return workflow.repaints ? { mask: "made from image" } : {};
}

export function imageParameters(workflow: Workflow): string[] {
  return Object.values(workflow.parameters)
    .filter(({ type }) => type === "image")
    .map(({ name }) => name);
}

function without<T>(values: Readonly<Record<string, T>>, names: readonly string[]) {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}

interface Preset {
  values: Readonly<Record<string, unknown>>;
  notes: string[];
}

/** The asked effort, or the nearest one that the workflow has. */
function presetFor(workflow: Workflow, quality: string | undefined): Preset {
  if (quality === undefined) return { values: {}, notes: [] };
  const place = [...efforts].map(String).indexOf(quality);
  const [nearest] = efforts
    .filter((effort) => workflow.presets[effort])
    .toSorted(
      (a, b) => Math.abs(efforts.indexOf(a) - place) - Math.abs(efforts.indexOf(b) - place),
    );
  const note =
    nearest === undefined
      ? [`quality has no effect: workflow ${workflow.name} has no steps to vary.`]
      : nearest === quality
        ? []
        : [
            `quality: workflow ${workflow.name} has no "${wordOf(quality)}"; "${effortWords[nearest]}" was used.`,
          ];
  return { values: (nearest && workflow.presets[nearest]) ?? {}, notes: note };
}

/** What was given by number goes before what `quality` stands for. */
function overruled(preset: Preset["values"], given: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(preset)
    .filter((name) => given[name] !== undefined && given[name] !== preset[name])
    .map((name) => `quality has no effect on ${name}: ${String(given[name])} was given.`);
}

function wordOf(quality: string): string {
  const effort = efforts.find((word) => word === quality);
  return effort ? effortWords[effort] : quality;
}

function sizesFor(
  workflow: Workflow,
  { aspectRatio, parameters }: TaskRequest,
  choices: Readonly<Record<string, string>>,
): RenderSize | undefined {
  const rules = sizeRules(workflow, choices);
  if (!rules) return undefined;
  const { width, height } = parameters;
  return renderSize({ width: side(width), height: side(height), aspectRatio }, rules);
}

function side(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function asksSize({ parameters, aspectRatio }: TaskRequest): boolean {
  return [parameters["width"], parameters["height"], aspectRatio].some(
    (each) => each !== undefined,
  );
}

/** What was asked for and this workflow cannot follow. */
function ignored(workflow: Workflow, request: TaskRequest): string[] {
  const note = (what: string, why: string) =>
    `${what} has no effect: workflow ${workflow.name} has no ${why}.`;
  const hasSeed = workflow.parameters["seed"] !== undefined;
  return [
    ...(request.seed !== undefined && !hasSeed ? [note("seed", "seed")] : []),
    ...((request.count ?? 1) > 1 && !hasSeed
      ? [note("count above 1 (every picture will be the same)", "seed")]
      : []),
    ...(request.loras !== undefined && !workflow.loras ? [note("loras", "place for them")] : []),
    ...(request.model !== undefined && !workflow.model ? [note("model", "model to choose")] : []),
  ];
}
