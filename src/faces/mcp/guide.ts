import type { Task } from "../../tasks/task.ts";
import { plain } from "../../words.ts";
import type { Catalog } from "../../workflows/catalog.ts";
import type { Workflow } from "../../workflows/workflow.ts";

/** How to prompt the model of a workflow, where its binding says it. */
export function guideIn(workflow: Workflow): string | undefined {
  const { guide }: { guide?: unknown } = workflow as { guide?: unknown };
  return typeof guide === "string" && guide !== "" ? plain(guide) : undefined;
}

/** The guide of a task's workflow, once for each in `shown`: at the point of its first use. */
export function guideOf(catalog: Catalog, task: Task, shown: Set<string>): string | undefined {
  const name = `${task.tool}/${task.workflow}`;
  if (shown.has(name)) return undefined;
  shown.add(name);
  const workflow = catalog.ofTool(task.tool).find((each) => each.name === task.workflow);
  return workflow && guideIn(workflow);
}
