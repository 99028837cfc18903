import path from "node:path";
import type { Catalog } from "../workflows/catalog.ts";
import { imageParameters, recipeOf } from "../workflows/plan.ts";
import { type Recipe, recipeHash } from "../workflows/recipe.ts";
import type { Value } from "../workflows/workflow.ts";
import type { Task } from "./task.ts";

/**
 * The recipe of an unfinished task of 0.1.0, which recorded its workflow's name, its values and
 * its model files, and what changes on its record with it, beside `before`, which goes. Undefined where the workflow is gone.
 */
export function recipeBefore(
  task: Task,
  catalog: Catalog,
): { recipe: Recipe; changes: Partial<Task> } | undefined {
  const { before, tool, params, uploads, loras = [] } = task;
  const workflow = catalog.get(tool, task.workflow);
  if (!before || !workflow) return undefined;
  const given = { ...params, ...before.render };
  const images = imageParameters(workflow).filter((name) => uploads[name]);
  const values = Object.fromEntries([
    ...Object.entries(given).filter(([name]) => workflow.parameters[name]),
    ...images.map((name) => [name, ""]),
  ]) as Record<string, Value>;
  const recipe = recipeOf(workflow, values, before.choices, workflow.loras ? loras : []);
  return { recipe, changes: { recipe: recipeHash(recipe), ...copies(task) } };
}

/** A relative target was meant from a working directory that nobody knows any more. */
function copies({ before, warnings }: Task): Partial<Task> {
  if (!before?.saveTo) return {};
  const { target, overwrite } = before.saveTo;
  if (path.isAbsolute(target)) {
    return { saveTo: { path: target, within: [path.dirname(target)], overwrite } };
  }
  const note = `Not saved: it was asked for by an earlier version, and where ${JSON.stringify(target)} is, is not on record.`;
  return { warnings: [...warnings, note] };
}
