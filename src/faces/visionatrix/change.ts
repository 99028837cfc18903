import type { Studio } from "../../studio/studio.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import { HttpProblem, Unprocessable } from "../shared/fastapi.ts";
import { type Call, callOf, levelOf } from "./call.ts";
import type { VisionatrixContext } from "./env.ts";
import { missing, wholeNumber } from "./faults.ts";
import { tasksOf } from "./progress.ts";
import { flagIn, textIn, wholeIn } from "./query.ts";
import { taskNumbered } from "./results.ts";
import { errorOf } from "./state.ts";

const mostPriority = 15;

/** `POST /tasks/restart`: its pictures once more, by the same number; the one that failed stays in the gallery. */
export async function restart(c: VisionatrixContext): Promise<Response> {
  const studio = c.get("studio");
  const number = wholeIn(c, "task_id");
  const force = flagIn(c, "force", false);
  const task = await taskNumbered(studio, number);
  if (task.state === "completed") {
    throw new HttpProblem(400, `Task \`${number}\` already finished.`);
  }
  if (errorOf(task) === "" && !force) {
    throw new HttpProblem(400, `Task \`${number}\` has no error set.`);
  }
  const call = callOf(task);
  if (!call) throw new Error(`task ${task.id} has a number and no call`);
  await replace(studio, number, task, call);
  return c.body(null, 204);
}

/** `DELETE /tasks/task`: with what was made from it. */
export async function remove(c: VisionatrixContext): Promise<Response> {
  const studio = c.get("studio");
  const number = wholeIn(c, "task_id");
  await taskNumbered(studio, number);
  await removeAll(studio, [number]);
  return c.body(null, 204);
}

async function removeAll(studio: Studio, numbers: readonly number[]): Promise<void> {
  const ids: string[] = [];
  const seen = new Set<number>();
  const add = async (number: number): Promise<void> => {
    if (seen.has(number)) return;
    seen.add(number);
    const task = await studio.numbered.find(number);
    if (task) ids.push(task.id);
    for (const child of await studio.numbered.childrenOf(number)) await add(child);
  };
  for (const number of numbers) await add(number);
  if (ids.length > 0) await studio.delete({ ids }, false);
}

/** `DELETE /tasks/clear`: what is finished of a flow. */
export async function clear(c: VisionatrixContext): Promise<Response> {
  const studio = c.get("studio");
  const tasks = await ofFlow(c);
  const finished = tasks.filter(([, { state }]) => state === "completed");
  await removeAll(
    studio,
    finished.map(([number]) => number),
  );
  return c.body(null, 204);
}

/** `DELETE /tasks/queue`: what is not finished of a flow. */
export async function clearQueue(c: VisionatrixContext): Promise<Response> {
  const studio = c.get("studio");
  const unfinished = (await ofFlow(c)).filter(([, { state }]) => state !== "completed");
  for (const [number, task] of unfinished) await withdraw(studio, number, task);
  return c.body(null, 204);
}

/** `DELETE /tasks/queue/{task_id}` */
export async function removeFromQueue(c: VisionatrixContext): Promise<Response> {
  const studio = c.get("studio");
  const number = wholeNumber("path", "task_id", c.req.param("id") ?? "");
  const task = await taskNumbered(studio, number);
  if (task.state !== "completed") await withdraw(studio, number, task);
  return c.body(null, 204);
}

/** There is no cancelled task there: it is not known any more. The gallery shows it as cancelled. */
async function withdraw(studio: Studio, number: number, task: Task): Promise<void> {
  if (!isTerminal(task.state)) await studio.cancel(task.id);
  await studio.numbered.forget([number]);
}

async function ofFlow(c: VisionatrixContext): Promise<[number, Task][]> {
  const name = textIn(c, "name");
  const group = wholeIn(c, "group_scope", 1);
  return (await tasksOf(c.get("studio"), { name, group, onlyParents: true })).tasks;
}

/** `PUT /tasks/update`: of a task that waits. */
export async function update(c: VisionatrixContext): Promise<Response> {
  const studio = c.get("studio");
  const number = wholeIn(c, "task_id");
  const priority = await priorityIn(c);
  const task = await taskNumbered(studio, number);
  const call = callOf(task);
  if (task.state !== "queued" || !call) {
    const reason = "cannot be updated because it has already started";
    throw new HttpProblem(400, `Task \`${number}\` ${reason}.`);
  }
  // What waits keeps the place it was given, so it is asked for anew.
  await replace(studio, number, task, { ...call, priority });
  return c.body(null, 204);
}

/** The same pictures in a task of their own, by the same number; what had begun of the earlier one ends. */
async function replace(studio: Studio, number: number, task: Task, call: Call): Promise<void> {
  const { webhook } = task;
  const options = { webhook, call: { ...call }, priority: levelOf(call) };
  const next = await studio.again(task.id, options);
  await studio.numbered.give(number, next, call.parent?.task);
  if (isTerminal(task.state)) return;
  if (studio.may("delete")) await studio.delete({ ids: [task.id] }, false);
  else await studio.cancel(task.id);
}

async function priorityIn(c: VisionatrixContext): Promise<number> {
  const body: unknown = await c.req.json().catch(() => undefined);
  if (typeof body !== "object" || body === null || !("priority" in body)) {
    throw missing("body", "priority");
  }
  const given = body.priority;
  if (typeof given !== "number" || !Number.isInteger(given)) {
    const msg = "Input should be a valid integer";
    const loc = ["body", "priority"];
    throw new Unprocessable([{ type: "int_type", loc, msg, input: given }]);
  }
  return wholeNumber("body", "priority", String(given), { minimum: 0, maximum: mostPriority });
}
