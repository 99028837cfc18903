import type { Studio } from "../../studio/studio.ts";
import { argumentsOf } from "../../studio/task-arguments.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import type { Catalog } from "../../workflows/catalog.ts";
import type { Answer } from "./answer.ts";

/** Where the studio's page for a chat is read. */
export const appUri = "ui://comfy-easel/studio.html";

/** A task as the page in a chat shows it; `page/src/app-host` has the same shape. */
export function appRecord(task: Task, studio: Studio, catalog: Catalog) {
  const workflow = catalog.ofTool(task.tool).find(({ name }) => name === task.workflow);
  const progress = studio.progress(task.id);
  return {
    id: task.id,
    tool: task.tool,
    workflow: task.workflow,
    state: task.state,
    created_at: task.createdAt,
    arguments: argumentsOf(task, workflow),
    images: imagesOf(task).map(({ id, width, height, seed, mimeType, hasAlpha }) => ({
      id,
      width,
      height,
      seed: seed ?? null,
      mime_type: mimeType,
      has_alpha: hasAlpha,
    })),
    progress: progress ? { fraction: progress.fraction, message: wordProgress(progress) } : null,
    error: task.error?.message ?? null,
  };
}

/** The answer with the record beside it, for a host that shows the page and for nobody else. */
export function withRecord(
  answer: Answer,
  task: Task,
  studio: Studio,
  catalog: Catalog,
  isShown: boolean,
): Answer {
  if (!isShown) return answer;
  return { ...answer, meta: { "comfy-easel/task": appRecord(task, studio, catalog) } };
}
