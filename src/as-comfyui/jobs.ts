import type { HistoryEntry, JobStatus, QueueItem } from "../comfy/protocol.ts";
import { previewableCount, summary } from "./job-outputs.ts";
import { PythonError, typeName } from "./python.ts";
import { atLeast } from "./version.ts";

export type JobView = Record<string, unknown> & { id: string; status: JobStatus };

/** The words `?status=` takes; before 0.9.0 an interrupted job is a failed one. */
export function jobStatuses(version: string): JobStatus[] {
  const statuses: JobStatus[] = ["pending", "in_progress", "completed", "failed"];
  return atLeast(version, "0.9.0") ? [...statuses, "cancelled"] : statuses;
}

export function queuedJob(
  [priority, id, , extraData]: QueueItem,
  status: JobStatus,
  version: string,
): JobView {
  return pruned({
    id,
    status,
    priority,
    create_time: extraData["create_time"],
    outputs_count: 0,
    previewable_outputs_count: previewableCount({}, version),
    workflow_id: workflowId(extraData),
  });
}

export function finishedJob(id: string, entry: HistoryEntry, version: string): JobView {
  const [priority, , , extraData] = entry.prompt;
  const times = executionTimes(entry);
  const { count, preview } = summary(entry.outputs, version);
  return pruned({
    id,
    status: finishedStatus(entry, version),
    priority,
    create_time: extraData["create_time"],
    execution_start_time: times.start,
    execution_end_time: times.end,
    execution_error: milestone(entry, "execution_error"),
    outputs_count: count,
    previewable_outputs_count: previewableCount(entry.outputs, version),
    preview_output: preview,
    workflow_id: workflowId(extraData),
  });
}

export function detailedJob(id: string, entry: HistoryEntry, version: string): JobView {
  const [, , prompt, extra_data] = entry.prompt;
  return {
    ...finishedJob(id, entry, version),
    outputs: entry.outputs,
    execution_status: entry.status,
    workflow: { prompt, extra_data },
  };
}

export function finishedStatus(entry: HistoryEntry, version: string): JobStatus {
  if (entry.status?.status_str !== "error") return "completed";
  if (!atLeast(version, "0.9.0")) return "failed";
  return milestone(entry, "execution_interrupted") ? "cancelled" : "failed";
}

function milestone(entry: HistoryEntry, type: string): Record<string, unknown> | undefined {
  return entry.status?.messages.findLast(([name]) => name === type)?.[1];
}

function executionTimes(entry: HistoryEntry): { start: unknown; end: unknown } {
  const ends = ["execution_success", "execution_error", "execution_interrupted"];
  const last = entry.status?.messages.findLast(([name]) => ends.includes(name));
  return {
    start: milestone(entry, "execution_start")?.["timestamp"],
    end: last?.[1]["timestamp"],
  };
}

/**
 * `extra_pnginfo.workflow.id`, read without a check: anything but objects on the way makes ComfyUI
 * raise, which is why one prompt with `extra_pnginfo: null` makes the whole listing fail.
 */
function workflowId(extraData: Record<string, unknown>): unknown {
  const pnginfo = "extra_pnginfo" in extraData ? extraData["extra_pnginfo"] : {};
  return read(read(pnginfo, "workflow", {}), "id", undefined);
}

function read(value: unknown, key: string, fallback: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    const message = `'${typeName(value)}' object has no attribute 'get'`;
    throw new PythonError("AttributeError", message);
  }
  const found = (value as Record<string, unknown>)[key];
  return found === undefined ? fallback : found;
}

function pruned(job: Record<string, unknown> & { id: string; status: JobStatus }): JobView {
  const entries = Object.entries(job).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(entries) as JobView;
}
