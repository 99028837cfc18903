import { SingleBar } from "cli-progress";
import { AppError } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import type { TaskRequest } from "../../workflows/request.ts";

/** One call from a shell: progress bar on stderr; returns the paths of the pictures. */
export async function generate(studio: Studio, request: TaskRequest): Promise<string[]> {
  const task = await studio.submit("generate_image", request);
  const ended = await showProgress(studio, task);
  if (ended.state !== "completed") {
    for (const image of imagesOf(ended)) {
      process.stderr.write(`Made before: ${studio.place(image)}\n`);
    }
    throw new AppError(
      ended.error?.code ?? "execution_failed",
      ended.error?.message ?? `The task ended ${ended.state}.`,
    );
  }
  for (const warning of ended.warnings) process.stderr.write(`Note: ${warning}\n`);
  if (ended.savedTo) return ended.savedTo;
  return imagesOf(ended).map((image) => studio.place(image));
}

async function showProgress(studio: Studio, task: Task): Promise<Task> {
  const bar = new SingleBar({
    format: "{bar} {percentage} % {message}",
    stream: process.stderr,
    // Without a terminal there is a line now and then.
    noTTYOutput: true,
    notTTYSchedule: 2_000,
    clearOnComplete: false,
  });
  bar.start(100, 0, { message: "Queued" });
  let last = task;
  for await (const event of studio.events(task.id)) {
    if (event.kind === "state") last = event.task;
    if (event.kind !== "progress") continue;
    const { progress } = event;
    bar.update(Math.floor(progress.fraction * 100), { message: wordProgress(progress) });
  }
  bar.update(100, { message: last.state });
  bar.stop();
  return last;
}
