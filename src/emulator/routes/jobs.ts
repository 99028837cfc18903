import type { JobStatus } from "../../comfy/protocol.ts";
import { json, type Reply } from "../http/reply.ts";
import { jsonBody, type Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import {
  detailedJob,
  finishedJob,
  finishedStatus,
  type JobView,
  jobStatuses,
  queuedJob,
} from "../jobs.ts";
import type { Parts } from "../parts.ts";
import { int, PythonError, repr } from "../python.ts";
import { atLeast } from "../version.ts";

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** They exist only under `/api`. */
export const jobRoutes: Route[] = [
  { method: "GET", path: "/api/jobs", since: "0.6.0", handle: listJobs },
  { method: "POST", path: "/api/jobs/cancel", since: "0.26.0", handle: cancelMany },
  { method: "GET", path: "/api/jobs/{id}", since: "0.6.0", handle: getJob },
  { method: "POST", path: "/api/jobs/{id}/cancel", since: "0.26.0", handle: cancelOne },
];

class BadQuery extends Error {}

interface Listing {
  wanted: JobStatus[];
  workflowId: string | null;
  byDuration: boolean;
  descending: boolean;
  limit: number | undefined;
  offset: number;
}

function listJobs({ query }: Request, parts: Parts): Reply {
  let listing: Listing;
  try {
    listing = listingOf(query, parts.version);
  } catch (cause) {
    if (cause instanceof BadQuery) return json({ error: cause.message }, 400);
    throw cause;
  }
  const { offset, limit, workflowId } = listing;
  const jobs = wantedJobs(parts, listing.wanted)
    .filter((job) => !workflowId || job["workflow_id"] === workflowId)
    .sort((a, b) => order(a, b, listing));
  const page = jobs.slice(offset, limit === undefined ? undefined : offset + limit);
  const pagination = {
    offset,
    limit: limit ?? null,
    total: jobs.length,
    has_more: offset + page.length < jobs.length,
  };
  return json({ jobs: page, pagination });
}

function listingOf(query: URLSearchParams, version: string): Listing {
  const statuses = jobStatuses(version);
  const asked = (query.get("status") ?? "")
    .split(",")
    .map((status) => status.trim().toLowerCase())
    .filter(Boolean);
  const wanted = statuses.filter((status) => asked.includes(status));
  const invalid = asked.filter((status) => !statuses.some((known) => known === status));
  if (invalid.length > 0) {
    const valid = statuses.join(", ");
    throw new BadQuery(`Invalid status value(s): ${invalid.join(", ")}. Valid values: ${valid}`);
  }
  const sortBy = (query.get("sort_by") ?? "created_at").toLowerCase();
  if (sortBy !== "created_at" && sortBy !== "execution_duration") {
    throw new BadQuery("sort_by must be 'created_at' or 'execution_duration'");
  }
  const sortOrder = (query.get("sort_order") ?? "desc").toLowerCase();
  if (sortOrder !== "asc" && sortOrder !== "desc") {
    throw new BadQuery("sort_order must be 'asc' or 'desc'");
  }
  const limit = integer(query, "limit");
  if (limit !== undefined && limit <= 0) throw new BadQuery("limit must be a positive integer");
  return {
    wanted: asked.length > 0 ? wanted : statuses,
    workflowId: query.get("workflow_id"),
    byDuration: sortBy === "execution_duration",
    descending: sortOrder === "desc",
    limit,
    offset: Math.max(integer(query, "offset") ?? 0, 0),
  };
}

function integer(query: URLSearchParams, name: string): number | undefined {
  if (!query.has(name)) return undefined;
  try {
    return int(query.get(name));
  } catch (cause) {
    if (cause instanceof PythonError) throw new BadQuery(`${name} must be an integer`, { cause });
    throw cause;
  }
}

/**
 * Jobs of other states are never looked at, except finished ones since 0.9.0: those are described
 * before they are dropped, so that one that cannot be described spoils the listing.
 */
function wantedJobs({ queue, version }: Parts, wanted: JobStatus[]): JobView[] {
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

function order(a: JobView, b: JobView, { byDuration, descending }: Listing): number {
  const key = byDuration ? duration : created;
  return descending ? key(b) - key(a) : key(a) - key(b);
}

function created(job: JobView): number {
  return Number(job["create_time"] ?? 0);
}

function duration(job: JobView): number {
  const start = Number(job["execution_start_time"] ?? 0);
  const end = Number(job["execution_end_time"] ?? 0);
  return start && end ? end - start : 0;
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
  let body: unknown;
  try {
    body = jsonBody(request);
  } catch {
    return json({ error: "Request body must be valid JSON" }, 400);
  }
  const ids = (body as { job_ids?: unknown } | null)?.job_ids;
  if (!Array.isArray(ids)) return json({ error: "job_ids must be a list" }, 400);
  const invalid = ids.filter((id) => typeof id !== "string" || !canonicalUuid.test(id));
  if (invalid.length > 0) {
    const invalid_ids = invalid.map((id) => (typeof id === "string" ? id : repr(id)));
    return json({ error: "job_ids contains invalid id(s)", invalid_ids }, 400);
  }
  const cancelled = ids.map((id) => cancel(parts, String(id)));
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
