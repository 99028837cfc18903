import type { Studio } from "../../studio/studio.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import type { TaskState } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";

/** How often a client should ask, in ms. */
const pollMs = 2_000;

/** A task of ours in the words that both kinds of MCP's tasks share. */
interface Told {
  taskId: string;
  status: "working" | "completed" | "failed" | "cancelled";
  statusMessage: string;
  createdAt: string;
  lastUpdatedAt: string;
}

/** In the extension a tool that failed has answered all the same (SEP-2663, "Task Status"). */
const ofExtension: Record<TaskState, Told["status"]> = {
  queued: "working",
  running: "working",
  completed: "completed",
  failed: "completed",
  cancelled: "cancelled",
};

const ofExperiment: Record<TaskState, Told["status"]> = { ...ofExtension, failed: "failed" };

function told(task: Task, studio: Studio, words: Record<TaskState, Told["status"]>): Told {
  const progress = studio.progress(task.id);
  return {
    taskId: task.id,
    status: words[task.state],
    statusMessage: task.error?.message ?? (progress ? wordProgress(progress) : task.state),
    createdAt: task.createdAt,
    lastUpdatedAt: task.finishedAt ?? task.startedAt ?? task.createdAt,
  };
}

/** As the extension `io.modelcontextprotocol/tasks` has it. Records are kept until they are deleted. */
export function extensionTask(task: Task, studio: Studio) {
  return { ...told(task, studio, ofExtension), ttlMs: null, pollIntervalMs: pollMs };
}

/** As the experimental tasks of 2025-11-25 have it. */
export function experimentalTask(task: Task, studio: Studio) {
  return { ...told(task, studio, ofExperiment), ttl: null, pollInterval: pollMs };
}
