import { AppError } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import { type GenerateCall, inFlags } from "./generate-request.ts";
import { type ProgressStream, progressView } from "./progress-lines.ts";

/** One call from a shell: progress and notes on `stderr`; returns the paths of the pictures. */
export async function generate(
  studio: Studio,
  { tool, request }: GenerateCall,
  stderr: ProgressStream,
): Promise<string[]> {
  const task = await studio.submit(tool, request).catch((error) => {
    throw inFlags(error);
  });
  const ended = await showProgress(studio, task, stderr);
  if (ended.state !== "completed") {
    for (const image of imagesOf(ended)) {
      stderr.write(`Made before: ${studio.pictures.place(image)}\n`);
    }
    throw new AppError(
      ended.error?.code ?? "execution_failed",
      ended.error?.message ?? `The task ended ${ended.state}.`,
    );
  }
  for (const warning of ended.warnings) stderr.write(`Note: ${warning}\n`);
  if (ended.savedTo) return ended.savedTo;
  return imagesOf(ended).map((image) => studio.pictures.place(image));
}

const endings: Partial<Record<Task["state"], string>> = {
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

async function showProgress(studio: Studio, task: Task, stderr: ProgressStream): Promise<Task> {
  const view = progressView(stderr);
  let last = task;
  for await (const event of studio.events(task.id)) {
    if (event.kind === "state") last = event.task;
    if (event.kind !== "progress") continue;
    view.show(event.progress.fraction, wordProgress(event.progress));
  }
  view.end(endings[last.state] ?? last.state);
  return last;
}
