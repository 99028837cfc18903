import type { JobStatus } from "../comfy/protocol.ts";
import { type JobView, jobStatuses } from "./jobs.ts";
import { isCanonicalUuid } from "./prompt-request.ts";
import { int, PythonError, repr } from "./python.ts";
import { json, type Reply } from "./reply.ts";

class BadQuery extends Error {}

interface Listing {
  wanted: JobStatus[];
  workflowId: string | null;
  byDuration: boolean;
  descending: boolean;
  limit: number | undefined;
  offset: number;
}

/** Answers `GET /api/jobs`; `described` gives the jobs of these states, in any order. */
export async function jobListing(
  query: URLSearchParams,
  version: string,
  described: (wanted: readonly JobStatus[]) => JobView[] | Promise<JobView[]>,
): Promise<Reply> {
  let listing: Listing;
  try {
    listing = listingOf(query, version);
  } catch (cause) {
    if (cause instanceof BadQuery) return json({ error: cause.message }, 400);
    throw cause;
  }
  const { offset, limit, workflowId } = listing;
  const jobs = (await described(listing.wanted))
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

/** The ids that `POST /api/jobs/cancel` names, or its refusal. `body` is undefined for no JSON. */
export function jobIdsIn(body: unknown): string[] | Reply {
  if (body === undefined) return json({ error: "Request body must be valid JSON" }, 400);
  const ids = (body as { job_ids?: unknown } | null)?.job_ids;
  if (!Array.isArray(ids)) return json({ error: "job_ids must be a list" }, 400);
  const invalid = ids.filter((id) => !isCanonicalUuid(id));
  if (invalid.length === 0) return ids;
  const invalid_ids = invalid.map((id) => (typeof id === "string" ? id : repr(id)));
  return json({ error: "job_ids contains invalid id(s)", invalid_ids }, 400);
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
