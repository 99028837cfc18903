import { empty, json, type Reply } from "../http/reply.ts";
import { jsonBody, type Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";
import { PythonError } from "../python.ts";
import { atLeast } from "../version.ts";

export const queueRoutes: Route[] = [
  { method: "GET", path: "/queue", handle: (_, { queue }) => json(contents(queue)) },
  { method: "POST", path: "/queue", handle: postQueue },
  { method: "POST", path: "/interrupt", handle: postInterrupt },
  { method: "POST", path: "/free", handle: postFree },
];

function contents({ running, pending }: Parts["queue"]): Record<string, unknown> {
  return { queue_running: running ? [running.item] : [], queue_pending: pending };
}

function postQueue(request: Request, { queue }: Parts): Reply {
  const { clear, delete: ids } = objectBody(request);
  if (clear) queue.clear();
  for (const id of idList(ids)) queue.remove(id);
  return empty();
}

/** Answers 200 whatever happens; a `prompt_id` that is not running is left alone. */
function postInterrupt(request: Request, { queue, interrupts, version }: Parts): Reply {
  const promptId = interruptTarget(request);
  const targeted = Boolean(promptId) && atLeast(version, "0.3.57");
  if (!targeted || queue.running?.item[1] === promptId) interrupts.raise();
  return empty();
}

function interruptTarget(request: Request): unknown {
  let body: unknown;
  try {
    body = jsonBody(request);
  } catch {
    return undefined;
  }
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    throw new PythonError("AttributeError", "object has no attribute 'get'");
  }
  return (body as Record<string, unknown>)["prompt_id"];
}

function postFree(request: Request, parts: Parts): Reply {
  if (objectBody(request)["free_memory"]) {
    parts.forget = true;
    parts.wake();
  }
  return empty();
}

export function objectBody(request: Request): Record<string, unknown> {
  const body = jsonBody(request);
  if (body === null || typeof body !== "object") {
    throw new PythonError("TypeError", "argument is not iterable");
  }
  return body as Record<string, unknown>;
}

export function idList(ids: unknown): string[] {
  if (ids === undefined) return [];
  if (!Array.isArray(ids)) throw new PythonError("TypeError", "object is not iterable");
  return ids.map(String);
}
