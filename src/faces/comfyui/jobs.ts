import { jobIdsIn, jobListing } from "../../as-comfyui/job-listing.ts";
import { detailedJob, finishedJob, type JobView, queuedJob } from "../../as-comfyui/jobs.ts";
import { json, type Reply } from "../../as-comfyui/reply.ts";
import { spoken } from "../../as-comfyui/version.ts";
import type { JobStatus, QueueItem } from "../../comfy/protocol.ts";
import type { Prompt } from "../../studio/prompts.ts";
import { isTerminal } from "../../tasks/state.ts";
import { type ComfyContext, type ComfyParts, jsonOrNothing, promptsOf, type Route } from "./env.ts";
import { historyEntry, isInHistory, queueItem } from "./map.ts";
import { isRunning, stop } from "./prompts.ts";

const mostListed = 1_000;

/** `/api/jobs`: all that a caller handed in, in one list. */
export function jobRoutes({ log }: ComfyParts): Route[] {
  return [
    { method: "GET", path: "/jobs", prefixed: true, handle: listJobs },
    { method: "POST", path: "/jobs/cancel", prefixed: true, handle: cancelMany },
    { method: "GET", path: "/jobs/:id", prefixed: true, handle: getJob },
    { method: "POST", path: "/jobs/:id/cancel", prefixed: true, handle: cancelOne },
  ];

  async function cancelOne(c: ComfyContext): Promise<Reply> {
    return json({ cancelled: await cancel(c, c.req.param("id") ?? "") });
  }

  async function cancelMany(c: ComfyContext): Promise<Reply> {
    const ids = jobIdsIn(await jsonOrNothing(c));
    if (!Array.isArray(ids)) return ids;
    const cancelled = await Promise.all(ids.map((id) => cancel(c, id)));
    return json({ cancelled: cancelled.includes(true) });
  }

  async function cancel(c: ComfyContext, id: string): Promise<boolean> {
    const prompt = await promptsOf(c).find(id);
    if (!prompt || isTerminal(prompt.task.state)) return false;
    const stopping = stop(c.get("studio"), prompt.task, log);
    // "Signalled" is the answer for what runs; its end comes later.
    return isRunning(prompt.task, c.get("studio")) || stopping;
  }
}

async function listJobs(c: ComfyContext): Promise<Reply> {
  return jobListing(new URL(c.req.url).searchParams, spoken, async (wanted) => {
    const tasks = await promptsOf(c).newest(mostListed);
    const found = await Promise.all(tasks.map((task) => promptsOf(c).withRecipe(task)));
    return found
      .flatMap((prompt) => (prompt ? (viewOf(c, prompt, finishedJob) ?? []) : []))
      .filter(({ status }) => wanted.includes(status));
  });
}

async function getJob(c: ComfyContext): Promise<Reply> {
  const prompt = await promptsOf(c).find(c.req.param("id") ?? "");
  const view = prompt && viewOf(c, prompt, detailedJob);
  return view ? json(view) : json({ error: "Job not found" }, 404);
}

/** ComfyUI's own listing fails over one odd `extra_pnginfo`; here such a prompt has no workflow. */
function listable(item: QueueItem): QueueItem {
  const [number, id, graph, { extra_pnginfo: info, ...extra }, outputs] = item;
  const workflow = isObject(info) ? (info["workflow"] ?? {}) : undefined;
  return isObject(workflow) ? item : [number, id, graph, extra, outputs];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined for one that was taken from the queue before it began. */
function viewOf(
  c: ComfyContext,
  prompt: Prompt,
  finished: typeof finishedJob,
): JobView | undefined {
  const { task } = prompt;
  if (isTerminal(task.state)) {
    if (!isInHistory(task)) return undefined;
    const entry = historyEntry(prompt);
    return finished(task.prompt.id, { ...entry, prompt: listable(entry.prompt) }, spoken);
  }
  const status: JobStatus = isRunning(task, c.get("studio")) ? "in_progress" : "pending";
  return queuedJob(listable(queueItem(prompt)), status, spoken);
}
