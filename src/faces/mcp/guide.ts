import type { Task } from "../../tasks/task.ts";
import type { Catalog } from "../../workflows/catalog.ts";

/** The guide of a task's workflow, once for each in `shown`: at the point of its first use. */
export function guideOf(catalog: Catalog, task: Task, shown: Set<string>): string | undefined {
  const name = `${task.tool}/${task.workflow}`;
  if (shown.has(name)) return undefined;
  shown.add(name);
  const workflow = catalog.ofTool(task.tool).find((each) => each.name === task.workflow);
  return workflow?.guide;
}
