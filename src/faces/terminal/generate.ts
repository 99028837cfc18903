import { SingleBar } from "cli-progress";
import { AppError } from "../../errors.ts";
import type { ImageStore } from "../../images/store.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import type { TaskRequest } from "../../tasks/request.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import type { Tasks } from "../../tasks/tasks.ts";

export interface GenerateParts {
  tasks: Tasks;
  images: ImageStore;
}

/** One call from a shell: progress bar on stderr; returns the paths of the pictures. */
export async function generate(
  { tasks, images }: GenerateParts,
  request: TaskRequest,
): Promise<string[]> {
  const task = await tasks.submit("generate_image", request);
  const ended = await showProgress(tasks, task.id);
  if (ended.state !== "completed") {
    for (const { id, mimeType } of imagesOf(ended)) {
      process.stderr.write(`Made before: ${images.resultPath(id, mimeType)}\n`);
    }
    throw new AppError(
      ended.error?.code ?? "execution_failed",
      ended.error?.message ?? `The task ended ${ended.state}.`,
    );
  }
  for (const warning of ended.warnings) process.stderr.write(`Note: ${warning}\n`);
  if (ended.savedTo) return ended.savedTo;
  return imagesOf(ended).map((image) => images.resultPath(image.id, image.mimeType));
}

async function showProgress(tasks: Tasks, id: string): Promise<Task> {
  const bar = new SingleBar({
    format: "{bar} {percentage} % {message}",
    stream: process.stderr,
    // Without a terminal there is a line now and then.
    noTTYOutput: true,
    notTTYSchedule: 2_000,
    clearOnComplete: false,
  });
  bar.start(100, 0, { message: "Queued" });
  const unwatch = tasks.watch(id, () => {
    const progress = tasks.progress(id);
    if (!progress) return;
    bar.update(Math.floor(progress.fraction * 100), { message: wordProgress(progress) });
  });
  const ended = await tasks.wait(id, 2 ** 31 - 1);
  unwatch();
  bar.update(100, { message: ended.state });
  bar.stop();
  return ended;
}
