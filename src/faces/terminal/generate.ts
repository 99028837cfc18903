import { AppError } from "../../errors.ts";
import type { ImageStore } from "../../images/store.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import type { Tasks } from "../../tasks/tasks.ts";
import { type GenerateCall, inFlags } from "./generate-request.ts";
import { type ProgressStream, progressView } from "./progress-lines.ts";

export interface GenerateParts {
  tasks: Tasks;
  images: ImageStore;
  /** Progress and notes; the pictures' paths are the caller's to print. */
  stderr: ProgressStream;
}

/** One call from a shell; returns the paths of the pictures. */
export async function generate(
  { tasks, images, stderr }: GenerateParts,
  { tool, request }: GenerateCall,
): Promise<string[]> {
  const task = await tasks.submit(tool, request).catch((error) => {
    throw inFlags(error);
  });
  const ended = await showProgress(tasks, task.id, stderr);
  if (ended.state !== "completed") {
    for (const { id, mimeType } of imagesOf(ended)) {
      stderr.write(`Made before: ${images.resultPath(id, mimeType)}\n`);
    }
    throw new AppError(
      ended.error?.code ?? "execution_failed",
      ended.error?.message ?? `The task ended ${ended.state}.`,
    );
  }
  for (const warning of ended.warnings) stderr.write(`Note: ${warning}\n`);
  if (ended.savedTo) return ended.savedTo;
  return imagesOf(ended).map((image) => images.resultPath(image.id, image.mimeType));
}

const endings: Partial<Record<Task["state"], string>> = {
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

async function showProgress(tasks: Tasks, id: string, stderr: ProgressStream): Promise<Task> {
  const view = progressView(stderr);
  const unwatch = tasks.watch(id, () => {
    const progress = tasks.progress(id);
    if (progress) view.show(progress.fraction, wordProgress(progress));
  });
  const ended = await tasks.wait(id, 2 ** 31 - 1);
  unwatch();
  view.end(endings[ended.state] ?? ended.state);
  return ended;
}
