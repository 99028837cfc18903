import { idList, interruptTarget, objectIn } from "../../as-comfyui/bodies.ts";
import { empty, json, type Reply } from "../../as-comfyui/reply.ts";
import { atLeast } from "../../as-comfyui/version.ts";
import { jsonBody, jsonOrNothing, type Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";

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
  const { clear, delete: ids } = objectIn(jsonBody(request));
  if (clear) queue.clear();
  for (const id of idList(ids)) queue.remove(id);
  return empty();
}

/** Answers 200 whatever happens; a `prompt_id` that is not running is left alone. */
function postInterrupt(request: Request, { queue, interrupts, version }: Parts): Reply {
  const promptId = interruptTarget(jsonOrNothing(request));
  const targeted = Boolean(promptId) && atLeast(version, "0.3.57");
  if (!targeted || queue.running?.item[1] === promptId) interrupts.raise();
  return empty();
}

function postFree(request: Request, parts: Parts): Reply {
  if (objectIn(jsonBody(request))["free_memory"]) {
    parts.forget = true;
    parts.wake();
  }
  return empty();
}
