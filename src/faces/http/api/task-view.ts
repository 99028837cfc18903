import type { z } from "@hono/zod-openapi";
import { cardSide } from "../../../images/card.ts";
import type { Studio } from "../../../studio/studio.ts";
import { argumentsOf } from "../../../studio/task-arguments.ts";
import { waysOut } from "../../../studio/ways.ts";
import type { TaskProgress } from "../../../tasks/progress.ts";
import { activityOf, wordProgress } from "../../../tasks/progress-words.ts";
import { isTerminal } from "../../../tasks/state.ts";
import {
  type ImageRecord,
  type InputRecord,
  imagesOf,
  inputIdOf,
  type Task,
} from "../../../tasks/task.ts";
import type { Catalog } from "../../../workflows/catalog.ts";
import type { progressSchema, taskSchema } from "./schemas.ts";

export type TaskView = z.infer<typeof taskSchema>;
export type ProgressView = z.infer<typeof progressSchema>;

/** A record as this face shows it. */
export function taskView(task: Task, studio: Studio, catalog: Catalog): TaskView {
  const workflow = catalog.ofTool(task.tool).find(({ name }) => name === task.workflow);
  const { prompt } = task.params;
  const size = sizeOf(task);
  const progress = isTerminal(task.state) ? undefined : studio.progress(task.id);
  return {
    id: task.id,
    tool: task.tool,
    workflow: task.workflow,
    workflow_title: workflow?.title ?? null,
    state: task.state,
    client: task.client ?? null,
    via: task.via ?? null,
    label: task.label ?? null,
    priority: task.priority?.level ?? 0,
    created_at: task.createdAt,
    started_at: task.startedAt ?? null,
    finished_at: task.finishedAt ?? null,
    prompt: typeof prompt === "string" ? prompt : null,
    count: task.runs.length,
    width: size?.width ?? null,
    height: size?.height ?? null,
    arguments: argumentsOf(task, workflow),
    backend: task.runs.find(({ at }) => at)?.at?.backend ?? null,
    images: task.runs.flatMap(({ images, prompt: made, cached }) =>
      images.map((image) => ({
        ...imageView(image, made, cached === true),
        url: studio.pictures.url(image.id) ?? null,
      })),
    ),
    inputs: Object.fromEntries(
      Object.entries(task.inputs).map(([name, input]) => [name, inputView(input, studio)]),
    ),
    progress: progress ? progressView(progress, studio.pace.secondsLeft(task.id, progress)) : null,
    warnings: task.warnings,
    error: errorView(task, catalog),
  };
}

function errorView(task: Task, catalog: Catalog): TaskView["error"] {
  if (!task.error) return null;
  const { code, message, detail } = task.error;
  return { code, message, detail, ways: waysOut(task, catalog.ofTool(task.tool).length) };
}

/** Of the pictures to come, where the call says it; else of those that have come. */
function sizeOf(task: Task): { width: number; height: number } | undefined {
  const { width, height } = task.params;
  if (task.deliver) return task.deliver;
  if (typeof width === "number" && typeof height === "number") return { width, height };
  return imagesOf(task)[0];
}

function imageView(
  image: ImageRecord,
  prompt: string | undefined,
  cached: boolean,
): Omit<TaskView["images"][number], "url"> {
  return {
    id: image.id,
    // What shows nothing has a card for its preview.
    width: image.width || cardSide,
    height: image.height || cardSide,
    seed: image.seed ?? null,
    color: image.meanColor?.replace("#", "") ?? null,
    mime_type: image.mimeType,
    bytes: image.bytes,
    has_alpha: image.hasAlpha,
    prompt: prompt ?? null,
    cached,
  };
}

function inputView({ sha256, width, height, mimeType, origin }: InputRecord, studio: Studio) {
  const id = inputIdOf(sha256);
  return { id, width, height, mime_type: mimeType, origin, url: studio.pictures.url(id) ?? null };
}

export function progressView(
  progress: TaskProgress,
  secondsLeft: number | undefined,
): ProgressView {
  const { fraction, done, count, status } = progress;
  const run = status.phase === "running" ? status.progress : undefined;
  return {
    phase: status.phase,
    activity: run ? activityOf(run.node) : null,
    fraction: Math.round(fraction * 1000) / 1000,
    done,
    count,
    step: run?.step ?? null,
    steps: run?.steps ?? null,
    ahead: (status.phase === "queued" ? status.ahead : undefined) ?? null,
    message: wordProgress(progress),
    seconds_left: secondsLeft === undefined ? null : Math.max(1, Math.round(secondsLeft)),
  };
}
