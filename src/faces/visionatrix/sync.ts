import { HttpProblem } from "../shared/fastapi.ts";
import { createAll } from "./create.ts";
import type { VisionatrixContext, VisionatrixParts } from "./env.ts";
import { flagIn, wholeIn } from "./query.ts";
import { archive, taskNumbered } from "./results.ts";
import { errorOf } from "./state.ts";

const standardSeconds = 600;

/**
 * `PUT /tasks/create-sync/{name}`: the results as a ZIP archive. With `cleanup` the task goes with
 * the answer; one that has no results yet, or none at all, stays to be looked at.
 */
export async function createSync(
  c: VisionatrixContext,
  parts: VisionatrixParts,
): Promise<Response> {
  const cleanup = flagIn(c, "cleanup", true);
  const seconds = wholeIn(c, "timeout", standardSeconds, { minimum: 5 });
  const studio = c.get("studio");
  if (cleanup) studio.demand("delete");
  const [call] = await createAll(c, parts, true);
  if (!call) throw new Error("a call makes a task");
  const { id } = await taskNumbered(studio, call.number);
  const task = await studio.wait(id, seconds * 1_000, c.req.raw.signal);
  const error = errorOf(task);
  if (error !== "") throw new HttpProblem(500, `Task failed: ${error}`);
  if (task.state !== "completed") {
    const where = `it goes on as task \`${call.number}\``;
    throw new HttpProblem(504, `Task execution timed out; ${where}.`);
  }
  const nodes = call.outputs.map((output) => output.id);
  const answer = await archive(studio, task, nodes, `results_${call.number}.zip`);
  if (cleanup) await studio.delete({ ids: [id] }, false);
  return answer;
}
