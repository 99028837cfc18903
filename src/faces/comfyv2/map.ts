import type { Studio } from "../../studio/studio.ts";
import { isTerminal, type TaskState } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import type { Recipe } from "../../workflows/recipe.ts";
import { keptCall } from "../shared/kept-call.ts";
import { never, type Output, outputsOf, type Place } from "./outputs.ts";

/** What this face keeps of a call beside the graph, as `Task.call`. */
export interface Call {
  face: "comfyv2";
  warnings: readonly string[];
  metadata?: Readonly<Record<string, unknown>>;
}

export type JobStatus = "queued" | "running" | "succeeded" | "canceling" | "canceled" | "failed";

const statuses: Record<TaskState, JobStatus> = {
  queued: "queued",
  running: "running",
  completed: "succeeded",
  failed: "failed",
  cancelled: "canceled",
};

export interface Progress {
  /** 0..1 */
  value: number;
  nodes_done: number;
  nodes_total: number;
  current_node: string | null;
  current_node_class: string | null;
  step: number | null;
  steps: number | null;
  message: string | null;
}

export interface JobError {
  code: string;
  message: string;
  node_id: string | null;
  class_type: string | null;
  traceback: string | null;
}

export interface Job {
  id: string;
  status: JobStatus;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  expires_at: string;
  queue_position: number | null;
  progress: Progress | null;
  outputs: Output[];
  error: JobError | null;
  metrics: { queue_ms: number | null; execution_ms: number | null };
  urls: { self: string; events: string; cancel: string };
  label?: string;
  priority?: number;
  metadata?: Readonly<Record<string, unknown>>;
  /** Of what was asked for, that which has no effect, and what else should be known. */
  warnings?: string[];
  /** Whether ComfyUI gave the pictures out of its cache. */
  outputs_reused?: boolean;
}

export interface Told extends Place {
  recipe: Recipe | undefined;
  isCanceling: boolean;
}

export function jobOf(task: Task, told: Told): Job {
  const { studio, root, recipe } = told;
  const metadata = callOf(task)?.metadata;
  const warnings = warningsOf(task);
  // Relative to the host: clients send their key to no other.
  const self = `${new URL(root).pathname}/jobs/${task.id}`;
  return {
    id: task.id,
    status: statusOf(task, told),
    created_at: task.createdAt,
    started_at: task.startedAt ?? null,
    completed_at: task.finishedAt ?? null,
    expires_at: expiry(task, studio),
    queue_position: placeOf(task, studio),
    progress: progressOf(task, told),
    outputs: outputsOf(task, recipe, told),
    error: errorOf(task),
    metrics: {
      queue_ms: between(task.createdAt, task.startedAt),
      execution_ms: between(task.startedAt, task.finishedAt),
    },
    urls: { self, events: `${self}/events`, cancel: `${self}/cancel` },
    ...(task.label === undefined ? {} : { label: task.label }),
    ...(task.priority ? { priority: task.priority.level } : {}),
    ...(metadata ? { metadata } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(task.runs.some(({ cached }) => cached) ? { outputs_reused: true } : {}),
  };
}

export function statusOf(
  { id, state }: Task,
  { studio, isCanceling }: Pick<Told, "studio" | "isCanceling">,
): JobStatus {
  if (isTerminal(state)) return statuses[state];
  if (isCanceling) return "canceling";
  // The record may be a moment behind what ComfyUI told.
  return studio.progress(id)?.status.phase === "running" ? "running" : statuses[state];
}

export function callOf(task: Task): Call | undefined {
  return keptCall<Call>(task, "comfyv2");
}

export function warningsOf(task: Task): string[] {
  return [...(callOf(task)?.warnings ?? []), ...task.warnings];
}

/** How many go before it; null for one that does not wait. */
export function placeOf({ id, state }: Task, studio: Studio): number | null {
  if (state !== "queued") return null;
  const status = studio.progress(id)?.status;
  return status?.phase === "running" ? null : status?.phase === "queued" ? (status.ahead ?? 0) : 0;
}

/** Null for one that waits. */
export function progressOf(task: Task, { studio, recipe }: Told): Progress | null {
  const nodes = Object.keys(recipe?.graph ?? {}).length;
  const total = nodes * task.runs.length;
  const at = { current_node: null, current_node_class: null, step: null, steps: null };
  const message = { message: null };
  if (task.state === "completed") {
    return { value: 1, nodes_done: total, nodes_total: total, ...at, ...message };
  }
  const progress = studio.progress(task.id);
  if (isTerminal(task.state) || progress?.status.phase !== "running") return null;
  const { node, nodeId, step, steps, nodesDone = 0 } = progress.status.progress;
  const words = step === undefined ? node : `${node} ${step}/${steps}`;
  return {
    value: progress.fraction,
    nodes_done: Math.min(total, progress.done * nodes + nodesDone),
    nodes_total: total,
    current_node: nodeId ?? null,
    current_node_class: node ?? null,
    step: step ?? null,
    steps: steps ?? null,
    message: words ?? null,
  };
}

function errorOf({ state, error, runs }: Task): JobError | null {
  if (state !== "failed" || !error) return null;
  const told = runs.flatMap(({ messages = [] }) => messages);
  const [, data] = told.find(([type]) => type === "execution_error") ?? [];
  const [refused] = Object.entries(error.nodeErrors ?? {});
  const traceback = [data?.["traceback"] ?? []].flat().join("");
  return {
    code: error.code === "execution_failed" ? "node_execution_error" : error.code,
    message: error.message,
    node_id: textIn(data?.["node_id"]) ?? refused?.[0] ?? null,
    class_type: textIn(data?.["node_type"]) ?? refused?.[1].class_type ?? null,
    traceback: traceback === "" ? (error.detail ?? null) : traceback,
  };
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function expiry({ createdAt }: Task, { keepDays }: Studio): string {
  if (keepDays === undefined) return never;
  return new Date(Date.parse(createdAt) + keepDays * 86_400_000).toISOString();
}

function between(from: string | undefined, to: string | undefined): number | null {
  return from === undefined || to === undefined ? null : Date.parse(to) - Date.parse(from);
}
