import { jobIdsIn, jobListing } from "../../as-comfyui/job-listing.ts";
import {
  detailedJob,
  finishedJob,
  finishedStatus,
  type JobView,
  queuedJob,
} from "../../as-comfyui/jobs.ts";
import { json, type Reply } from "../../as-comfyui/reply.ts";
import { atLeast } from "../../as-comfyui/version.ts";
import type { JobStatus } from "../../comfy/protocol.ts";
import { jsonOrNothing, type Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";

/** They exist only under `/api`. */
export const jobRoutes: Route[] = [
  { method: "GET", path: "/api/jobs", since: "0.6.0", handle: listJobs },
  { method: "POST", path: "/api/jobs/cancel", since: "0.26.0", handle: cancelMany },
  { method: "GET", path: "/api/jobs/{id}", since: "0.6.0", handle: getJob },
  { method: "POST", path: "/api/jobs/{id}/cancel", since: "0.26.0", handle: cancelOne },
];

function listJobs({ query }: Request, parts: Parts): Promise<Reply> {
  return jobListing(query, parts.version, (wanted) => wantedJobs(parts, wanted));
}

/**
 * Jobs of other states are never looked at, except finished ones since 0.9.0: those are described
 * before they are dropped, so that one that cannot be described spoils the listing.
 */
function wantedJobs({ queue, version }: Parts, wanted: readonly JobStatus[]): JobView[] {
  const jobs: JobView[] = [];
  if (wanted.includes("in_progress") && queue.running) {
    jobs.push(queuedJob(queue.running.item, "in_progress", version));
  }
  if (wanted.includes("pending")) {
    jobs.push(...queue.pending.map((item) => queuedJob(item, "pending", version)));
  }
  const finished: JobStatus[] = wanted.filter(
    (status) => status !== "in_progress" && status !== "pending",
  );
  if (finished.length === 0) return jobs;
  const entries = [...queue.history].filter(
    ([, entry]) => atLeast(version, "0.9.0") || finished.includes(finishedStatus(entry, version)),
  );
  const described = entries.map(([id, entry]) => finishedJob(id, entry, version));
  return [...jobs, ...described.filter(({ status }) => finished.includes(status))];
}

function getJob(_: Request, { queue, version }: Parts, { id = "" }: Record<string, string>): Reply {
  const entry = queue.history.get(id);
  if (entry) return json(detailedJob(id, entry, version));
  if (queue.running?.item[1] === id) {
    return json(queuedJob(queue.running.item, "in_progress", version));
  }
  const pending = queue.pending.find((item) => item[1] === id);
  if (!pending) return json({ error: "Job not found" }, 404);
  return json(queuedJob(pending, "pending", version));
}

function cancelOne(_: Request, parts: Parts, { id = "" }: Record<string, string>): Reply {
  return json({ cancelled: cancel(parts, id) });
}

function cancelMany(request: Request, parts: Parts): Reply {
  const ids = jobIdsIn(jsonOrNothing(request));
  if (!Array.isArray(ids)) return ids;
  const cancelled = ids.map((id) => cancel(parts, id));
  return json({ cancelled: cancelled.includes(true) });
}

/** True for "signalled" when it was running; a finished or unknown job is left alone. */
function cancel({ queue, interrupts }: Parts, id: string): boolean {
  if (queue.running?.item[1] === id) {
    interrupts.raise();
    return true;
  }
  return queue.remove(id);
}
