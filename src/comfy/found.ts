import type { ExecutionErrorData, HistoryEntry, Job, NodeOutput } from "./protocol.ts";

/** What ComfyUI knows of a prompt when asked over HTTP. */
export type Found =
  | { kind: "pending" }
  | { kind: "running" }
  | { kind: "completed"; outputs: Record<string, NodeOutput>; cached: string[] }
  | { kind: "failed"; error: ExecutionErrorData | undefined; cached: string[] }
  | { kind: "interrupted" }
  /** Never accepted, removed from the queue, or lost with a restart. */
  | { kind: "gone" };

type Messages = [string, Record<string, unknown>][];

/** Reads GET /api/jobs/{id}. */
export function foundInJob(job: Job): Found {
  const messages: Messages = job.execution_status?.messages ?? [];
  switch (job.status) {
    case "pending":
      return { kind: "pending" };
    case "in_progress":
      return { kind: "running" };
    case "cancelled":
      return { kind: "interrupted" };
    case "failed":
      // Until 0.8.2 an interrupted job is "failed" as well; "cancelled" came with 0.9.0.
      if (wasInterrupted(messages)) return { kind: "interrupted" };
      return { kind: "failed", error: job.execution_error, cached: cachedIn(messages) };
    default:
      return { kind: "completed", outputs: job.outputs ?? {}, cached: cachedIn(messages) };
  }
}

/** Interrupted and failed entries look alike but for their last message. */
export function foundInHistory(entry: HistoryEntry): Found {
  const messages: Messages = entry.status?.messages ?? [];
  const cached = cachedIn(messages);
  if (entry.status?.status_str !== "error") {
    return { kind: "completed", outputs: entry.outputs, cached };
  }
  if (wasInterrupted(messages)) return { kind: "interrupted" };
  const error = messages.find(([type]) => type === "execution_error")?.[1];
  return { kind: "failed", error: error as ExecutionErrorData | undefined, cached };
}

function wasInterrupted(messages: Messages): boolean {
  return messages.some(([type]) => type === "execution_interrupted");
}

function cachedIn(messages: Messages): string[] {
  const nodes = messages.find(([type]) => type === "execution_cached")?.[1]["nodes"];
  return Array.isArray(nodes) ? nodes.map(String) : [];
}
