import { imagesOf, type Task } from "../../tasks/task.ts";
import { callOf } from "./call.ts";
import { outputPath } from "./names.ts";
import { recordOf } from "./record.ts";

/**
 * What a webhook of this face is told of a task's end. The newer server sends its record as JSON
 * within JSON, which its readers decode twice; the older one an object.
 */
export function webhookBody(task: Task): string {
  const { base = "", job } = callOf(task) ?? {};
  if (job === undefined) return JSON.stringify(JSON.stringify(recordOf(task, base)));
  return JSON.stringify({
    job_id: task.id,
    job_result: imagesOf(task).map((image) => ({
      url: `${base}/outputs/${outputPath(task, image)}`,
      seed: String(image.seed ?? ""),
    })),
    ...(task.state === "failed" ? { error: task.error?.message } : {}),
  });
}
