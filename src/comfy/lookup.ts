import type { Capabilities } from "./capabilities.ts";
import type { ComfyClient } from "./client.ts";
import type { ExecutionErrorData, HistoryEntry, NodeOutput } from "./protocol.ts";

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

export async function lookup(
  client: ComfyClient,
  capabilities: Capabilities,
  promptId: string,
): Promise<Found> {
  return capabilities.jobs ? byJob(client, promptId) : byQueueAndHistory(client, promptId);
}

async function byJob(client: ComfyClient, promptId: string): Promise<Found> {
  const job = await client.job(promptId);
  if (!job) return { kind: "gone" };
  switch (job.status) {
    case "pending":
      return { kind: "pending" };
    case "in_progress":
      return { kind: "running" };
    case "cancelled":
      return { kind: "interrupted" };
    case "failed":
      return {
        kind: "failed",
        error: job.execution_error,
        cached: cachedIn(job.execution_status?.messages),
      };
    default:
      return {
        kind: "completed",
        outputs: job.outputs ?? {},
        cached: cachedIn(job.execution_status?.messages),
      };
  }
}

/**
 * The queue first: a prompt leaves it and enters the history under one lock (`execution.py`,
 * `task_done`), so one that is in neither, asked in this order, is gone.
 */
async function byQueueAndHistory(client: ComfyClient, promptId: string): Promise<Found> {
  const queue = await client.queue();
  if (queue.queue_running.some((item) => item[1] === promptId)) return { kind: "running" };
  if (queue.queue_pending.some((item) => item[1] === promptId)) return { kind: "pending" };
  const entry = await client.history(promptId);
  return entry ? byHistory(entry) : { kind: "gone" };
}

/** Interrupted and failed entries look alike but for their last message. */
export function byHistory(entry: HistoryEntry): Found {
  const messages: Messages = entry.status?.messages ?? [];
  const cached = cachedIn(messages);
  if (entry.status?.status_str !== "error") {
    return { kind: "completed", outputs: entry.outputs, cached };
  }
  if (messages.some(([type]) => type === "execution_interrupted")) return { kind: "interrupted" };
  const error = messages.find(([type]) => type === "execution_error")?.[1];
  return { kind: "failed", error: error as ExecutionErrorData | undefined, cached };
}

function cachedIn(messages: Messages | undefined): string[] {
  const nodes = messages?.find(([type]) => type === "execution_cached")?.[1]["nodes"];
  return Array.isArray(nodes) ? nodes.map(String) : [];
}
