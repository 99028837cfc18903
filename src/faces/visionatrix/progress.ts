import type { Studio } from "../../studio/studio.ts";
import type { Task } from "../../tasks/task.ts";
import { callOf } from "./call.ts";
import { type Children, type Details, shortDetails, wholeDetails } from "./details.ts";
import type { VisionatrixContext } from "./env.ts";
import { wholeNumber } from "./faults.ts";
import { flagIn, wholeIn } from "./query.ts";
import { taskNumbered } from "./results.ts";

/** More are not listed at once; the gallery has all of them. */
export const mostListed = 1_000;

export interface Wanted {
  /** Of a flow. */
  name: string | undefined;
  /** 0 for all of them. */
  group: number;
  onlyParents: boolean;
}

/** The caller's tasks that are wanted, the newest of them, and what was made from each. */
export async function tasksOf(
  studio: Studio,
  { name, group, onlyParents }: Wanted,
): Promise<{ tasks: [number, Task][]; children: Children }> {
  const all = [...(await studio.numbered.newest(mostListed))].sort(([a], [b]) => a - b);
  const tasks = all.filter(([, task]) => {
    const call = callOf(task);
    return (
      (name === undefined || call?.flow === name.toLowerCase()) &&
      (group === 0 || call?.group === group) &&
      (!onlyParents || call?.parent === undefined)
    );
  });
  const children: Children = (number) =>
    all.filter(([, task]) => callOf(task)?.parent?.task === number);
  return { tasks, children };
}

/** `GET /tasks/progress` and, not `whole`, `/tasks/progress-summary`. */
export async function progressOfAll(c: VisionatrixContext, whole: boolean): Promise<Response> {
  const studio = c.get("studio");
  const group = wholeIn(c, "group_scope", 1);
  const onlyParents = flagIn(c, "only_parent", false);
  const wanted = { name: c.req.query("name"), group, onlyParents };
  const { tasks, children } = await tasksOf(studio, wanted);
  const entries = await Promise.all(
    tasks.map(async ([number, task]): Promise<[number, Details]> => {
      const details = whole ? wholeDetails : shortDetails;
      return [number, await details(studio, number, task, children)];
    }),
  );
  return c.json(Object.fromEntries(entries));
}

/** `GET /tasks/progress/{task_id}` */
export async function progressOfOne(c: VisionatrixContext): Promise<Response> {
  const studio = c.get("studio");
  const number = wholeNumber("path", "task_id", c.req.param("id") ?? "");
  const task = await taskNumbered(studio, number);
  const found = new Map<number, [number, Task][]>();
  await addChildren(studio, number, found);
  return c.json(await wholeDetails(studio, number, task, (each) => found.get(each) ?? []));
}

/** And theirs. */
async function addChildren(
  studio: Studio,
  number: number,
  found: Map<number, [number, Task][]>,
): Promise<void> {
  const own: [number, Task][] = [];
  found.set(number, own);
  for (const child of await studio.numbered.childrenOf(number)) {
    const task = found.has(child) ? undefined : await studio.numbered.find(child);
    if (!task) continue;
    own.push([child, task]);
    await addChildren(studio, child, found);
  }
}
