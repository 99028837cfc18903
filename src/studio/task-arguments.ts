import { inputIdOf, type Task } from "../tasks/task.ts";
import type { Workflow } from "../workflows/workflow.ts";

/**
 * What makes the pictures of a task again, as a tool takes it: every resolved parameter, the seed
 * of the first picture, and pictures by the ids under which they are kept. `workflow` is the one
 * of its name, where there still is one.
 */
export function argumentsOf(task: Task, workflow: Workflow | undefined): Record<string, unknown> {
  const [first] = task.runs;
  const pictures = Object.entries(task.inputs).map(([name, { sha256 }]) => [
    name,
    inputIdOf(sha256),
  ]);
  const model = workflow?.model && first?.at?.choices[workflow.model.text];
  return {
    ...task.params,
    ...Object.fromEntries(pictures),
    ...(model === undefined ? {} : { model }),
    ...(task.loras ? { loras: task.loras.map(({ name, weight }) => `${name}:${weight}`) } : {}),
    ...(first?.seed === undefined ? {} : { seed: first.seed }),
    ...(task.runs.length > 1 ? { count: task.runs.length } : {}),
    ...(task.outputFormat === undefined ? {} : { output_format: task.outputFormat }),
    workflow: task.workflow,
  };
}
