import { randomInt, randomUUID } from "node:crypto";
import type { Backend } from "../comfy/backend.ts";
import { AppError } from "../errors.ts";
import { toPng } from "../images/convert.ts";
import { inspectImage } from "../images/inspect.ts";
import type { ImageSources } from "../images/source.ts";
import type { ImageStore } from "../images/store.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { chooseWorkflow } from "../workflows/choose.ts";
import { checkChoices, resolveParameters } from "../workflows/resolve.ts";
import { type RenderSize, renderSize, sizeRules } from "../workflows/sizes.ts";
import type { Workflow } from "../workflows/workflow.ts";
import { type InputRecord, newTaskId, type OutputFormat, type Size, type Task } from "./task.ts";

/** Larger seeds do not survive JSON in JavaScript; ComfyUI itself would take 64 bits. */
export const maxSeed = Number.MAX_SAFE_INTEGER;
export const maxCount = 32;

/** A checked call of a tool; what is not named here is a parameter of the workflow. */
export interface TaskRequest {
  workflow?: string;
  count?: number;
  seed?: number;
  outputFormat?: OutputFormat;
  aspectRatio?: string;
  webhook?: Webhook;
  parameters: Record<string, unknown>;
}

export interface Submission {
  task: Task;
  workflow: Workflow;
}

export interface SubmissionParts {
  backend: Backend;
  catalog: Catalog;
  sources: ImageSources;
  images: ImageStore;
}

/**
 * Turns a call into a task: workflow, model files, every parameter, the seed of every picture,
 * inputs kept under their hash. Everything that can be wrong with a call is found here.
 */
export async function prepare(
  parts: SubmissionParts,
  tool: string,
  request: TaskRequest,
  signal?: AbortSignal,
): Promise<Submission> {
  await parts.backend.ready();
  const objectInfo = await parts.backend.objectInfo();
  const { workflow, choices } = chooseWorkflow(parts.catalog, tool, request.workflow, objectInfo);
  const { values, warnings } = resolveParameters(workflow, request.parameters);
  checkChoices(workflow, request.parameters, objectInfo);
  const sizes = sizesFor(workflow, request, choices);
  const inputs = await keepInputs(parts, workflow, values, signal);
  const params = { ...values };
  for (const name of ["seed", ...Object.keys(inputs)]) delete params[name];
  if (sizes) Object.assign(params, sizes.deliver);
  const task: Task = {
    id: newTaskId(),
    tool,
    workflow: workflow.name,
    graphHash: workflow.graphHash,
    backend: parts.backend.url,
    state: "queued",
    createdAt: new Date().toISOString(),
    params,
    inputs,
    choices,
    ...(sizes ? { render: sizes.render } : {}),
    ...(sizes && differs(sizes.render, sizes.deliver) ? { deliver: sizes.deliver } : {}),
    outputFormat: request.outputFormat ?? "png",
    runs: seedsFor(workflow, request).map((seed) => ({
      promptId: randomUUID(),
      ...(seed === undefined ? {} : { seed }),
      state: "queued",
      images: [],
    })),
    warnings: [...warnings, ...seedWarning(workflow, request)],
  };
  return { task, workflow };
}

/** Picture i uses seed + i, so that each can be made again alone. */
function seedsFor(workflow: Workflow, request: TaskRequest): (number | undefined)[] {
  const count = request.count ?? 1;
  if (!workflow.parameters["seed"]) return Array.from({ length: count }, () => undefined);
  const first = request.seed ?? randomInt(2 ** 32);
  return Array.from({ length: count }, (_, i) => (first + i) % (maxSeed + 1));
}

function seedWarning(workflow: Workflow, request: TaskRequest): string[] {
  if (workflow.parameters["seed"]) return [];
  const given = request.seed !== undefined ? ["seed"] : [];
  if ((request.count ?? 1) > 1) given.push("count above 1 (every picture will be the same)");
  return given.map((what) => `${what} has no effect: workflow ${workflow.name} has no seed.`);
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

async function keepInputs(
  parts: SubmissionParts,
  workflow: Workflow,
  values: Record<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<Record<string, InputRecord>> {
  const inputs: Record<string, InputRecord> = {};
  for (const [name, parameter] of Object.entries(workflow.parameters)) {
    const value = values[name];
    if (parameter.type !== "image" || value === undefined) continue;
    if (typeof value !== "string") {
      throw new AppError("invalid_input", `${name}: expected text that says where the image is.`);
    }
    const source = await parts.sources.resolve(name, value, signal);
    const bytes = await toPng(source.bytes);
    const info = await inspectImage(bytes, name);
    const { sha256 } = await parts.images.putInput(bytes, info.mimeType);
    const { mimeType, width, height } = info;
    inputs[name] = { sha256, mimeType, width, height, origin: source.origin };
  }
  return inputs;
}
