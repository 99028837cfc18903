import { newTaskId, type Task } from "../../src/tasks/task.ts";

/** A task record as a store holds it. */
export function record(changes: Partial<Task> = {}): Task {
  return {
    id: newTaskId(),
    tool: "generate_image",
    workflow: "checkpoint",
    graphHash: "0",
    backend: "http://127.0.0.1:8188",
    state: "queued",
    createdAt: "2026-01-01T00:00:00.000Z",
    params: {},
    inputs: {},
    uploads: {},
    choices: {},
    outputFormat: "png",
    runs: [],
    warnings: [],
    ...changes,
  };
}
