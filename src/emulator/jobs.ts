import type { HistoryEntry, JobStatus, NodeOutput, QueueItem } from "../comfy/protocol.ts";

export type JobView = Record<string, unknown> & { id: string; status: JobStatus };

const previewable = new Set(["images", "video", "audio", "3d", "text"]);
const model3d = /\.(obj|fbx|gltf|glb|usdz)$/i;
const textFile = /\.(txt|md|json)$/i;
/** Longer text is cut in a job's `preview_output`. */
const maxTextPreview = 1024;

export function queuedJob([priority, id, , extraData]: QueueItem, status: JobStatus): JobView {
  return pruned({
    id,
    status,
    priority,
    create_time: extraData["create_time"],
    outputs_count: 0,
    previewable_outputs_count: 0,
    workflow_id: workflowId(extraData),
  });
}

export function finishedJob(id: string, entry: HistoryEntry): JobView {
  const [priority, , , extraData] = entry.prompt;
  const times = executionTimes(entry);
  const files = outputFiles(entry.outputs);
  return pruned({
    id,
    status: statusOf(entry),
    priority,
    create_time: extraData["create_time"],
    execution_start_time: times.start,
    execution_end_time: times.end,
    execution_error: milestone(entry, "execution_error"),
    outputs_count: files.length,
    previewable_outputs_count: files.filter(isPreviewable).length,
    preview_output: previewOutput(entry.outputs, files),
    workflow_id: workflowId(extraData),
  });
}

export function detailedJob(id: string, entry: HistoryEntry): JobView {
  const [, , prompt, extra_data] = entry.prompt;
  return {
    ...finishedJob(id, entry),
    outputs: entry.outputs,
    execution_status: entry.status,
    workflow: { prompt, extra_data },
  };
}

function statusOf(entry: HistoryEntry): JobStatus {
  if (entry.status?.status_str !== "error") return "completed";
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

interface ListedFile {
  nodeId: string;
  mediaType: string;
  item: Record<string, unknown>;
}

function outputFiles(outputs: Record<string, NodeOutput>): ListedFile[] {
  const files: ListedFile[] = [];
  for (const { nodeId, mediaType, item } of outputItems(outputs)) {
    if (item !== null && typeof item === "object") {
      files.push({ nodeId, mediaType, item: item as Record<string, unknown> });
    }
  }
  return files;
}

function* outputItems(
  outputs: Record<string, NodeOutput>,
): Generator<{ nodeId: string; mediaType: string; item: unknown }> {
  for (const [nodeId, output] of Object.entries(outputs)) {
    for (const [mediaType, items] of Object.entries(output)) {
      if (mediaType === "animated" || !Array.isArray(items)) continue;
      for (const item of items) yield { nodeId, mediaType, item };
    }
  }
}

function isPreviewable({ mediaType, item }: ListedFile): boolean {
  const format = String(item["format"] ?? "");
  const name = String(item["filename"] ?? "");
  return (
    previewable.has(mediaType) ||
    /^(video|audio)\//.test(format) ||
    model3d.test(name) ||
    textFile.test(name)
  );
}

function isText({ mediaType, item }: ListedFile): boolean {
  return mediaType === "text" || textFile.test(String(item["filename"] ?? ""));
}

/** Saved media first, then temporary media, then a text file, then bare text. */
function previewOutput(
  outputs: Record<string, NodeOutput>,
  files: ListedFile[],
): Record<string, unknown> | undefined {
  const candidates = files.filter(isPreviewable);
  const media = candidates.filter((file) => !isText(file));
  const chosen = media.find(({ item }) => item["type"] === "output") ?? media[0] ?? candidates[0];
  if (chosen) {
    const { item, nodeId, mediaType } = chosen;
    return { ...item, nodeId, mediaType: item["mediaType"] ?? mediaType };
  }
  for (const { nodeId, mediaType, item } of outputItems(outputs)) {
    if (mediaType !== "text" || typeof item !== "string") continue;
    const cut = item.length > maxTextPreview ? { truncated: true } : {};
    return { content: item.slice(0, maxTextPreview), ...cut, nodeId, mediaType };
  }
  return undefined;
}

function workflowId(extraData: Record<string, unknown>): unknown {
  const pnginfo = extraData["extra_pnginfo"] as { workflow?: { id?: unknown } } | undefined;
  return pnginfo?.workflow?.id;
}

function pruned(job: Record<string, unknown> & { id: string; status: JobStatus }): JobView {
  const entries = Object.entries(job).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(entries) as JobView;
}
