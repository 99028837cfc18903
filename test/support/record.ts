import { newTaskId, type Task } from "../../src/tasks/task.ts";
import type { Recipe } from "../../src/workflows/recipe.ts";

/** A task record as a store holds it. */
export function record(changes: Partial<Task> = {}): Task {
  return {
    id: newTaskId(),
    tool: "generate_image",
    workflow: "checkpoint",
    recipe: "0",
    caller: "owner",
    backends: ["http://127.0.0.1:8188"],
    state: "queued",
    createdAt: "2026-01-01T00:00:00.000Z",
    params: {},
    inputs: {},
    uploads: {},
    outputFormat: "png",
    runs: [],
    warnings: [],
    ...changes,
  };
}

export const emptyRecipe: Recipe = { graph: {}, open: {}, outputs: [], files: {} };
