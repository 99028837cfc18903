import { randomUUID } from "node:crypto";
import type { Graph } from "../../comfy/protocol.ts";
import { json, type NoReply, type Reply, serverError } from "../http/reply.ts";
import { jsonBody, type Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";
import { float, PythonError } from "../python.ts";
import { validatePrompt } from "../validate.ts";
import { atLeast } from "../version.ts";

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Never shown in the queue or in history. */
const sensitiveKeys = ["auth_token_comfy_org", "api_key_comfy_org"];

export const promptRoutes: Route[] = [
  { method: "GET", path: "/prompt", handle: (_, { queue }) => json(execInfo(queue.remaining)) },
  { method: "POST", path: "/prompt", handle: postPrompt },
];

export function execInfo(remaining: number): Record<string, unknown> {
  return { exec_info: { queue_remaining: remaining } };
}

function postPrompt(request: Request, parts: Parts): Reply | NoReply {
  const body = jsonBody(request);
  if (body === null || typeof body === "number" || typeof body === "boolean") return serverError;
  const fields = (typeof body === "object" ? body : {}) as Record<string, unknown>;
  const number = promptNumber(fields, parts);
  if (!("prompt" in fields)) {
    return refusal("no_prompt", "No prompt provided", "No prompt provided");
  }
  const promptId = promptIdOf(fields["prompt_id"], parts.version);
  if (promptId === undefined) return invalidPromptId();
  return accept(request, parts, fields, number, promptId);
}

/** The counter moves on for every request without a number of its own, valid or not. */
function promptNumber(fields: Record<string, unknown>, parts: Parts): number {
  if ("number" in fields) return float(fields["number"]);
  const number = fields["front"] ? -parts.counter : parts.counter;
  parts.counter += 1;
  return number;
}

function promptIdOf(given: unknown, version: string): string | undefined {
  if (given === undefined || given === null) return randomUUID();
  if (!atLeast(version, "0.25.0")) return String(given);
  return typeof given === "string" && canonicalUuid.test(given) ? given : undefined;
}

function accept(
  request: Request,
  parts: Parts,
  fields: Record<string, unknown>,
  number: number,
  promptId: string,
): Reply | NoReply {
  const graph = graphOf(fields["prompt"]);
  const targets = fields["partial_execution_targets"];
  const verdict = validatePrompt(graph, Array.isArray(targets) ? targets : undefined, {
    catalog: parts.catalog,
    disk: parts.disk,
    missingNodeType: atLeast(parts.version, "0.12.0") ? "missing_node_type" : "invalid_prompt",
  });
  const { shown, sensitive } = extraData(request, fields, parts.version);
  if (verdict.error) {
    return json({ error: verdict.error, node_errors: verdict.nodeErrors }, 400);
  }
  const item = [number, promptId, graph, shown, verdict.outputs] as const;
  parts.queue.put({ item: [...item], sensitive });
  parts.wake();
  const failure = parts.faults.takeAcceptThenFail();
  if (failure) return failure === "500" ? serverError : failure;
  return json({ prompt_id: promptId, number, node_errors: verdict.nodeErrors });
}

/** A prompt that is no object of objects makes ComfyUI raise. */
function graphOf(prompt: unknown): Graph {
  const isObject = (value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isObject(prompt) || !Object.values(prompt as object).every(isObject)) {
    throw new PythonError("AttributeError", "'list' object has no attribute 'items'");
  }
  return prompt as Graph;
}

function extraData(
  request: Request,
  fields: Record<string, unknown>,
  version: string,
): { shown: Record<string, unknown>; sensitive: Record<string, unknown> } {
  const given = "extra_data" in fields ? fields["extra_data"] : {};
  if (given === null || typeof given !== "object") {
    throw new PythonError("TypeError", "argument of type 'NoneType' is not iterable");
  }
  const shown: Record<string, unknown> = { ...given };
  if ("client_id" in fields) shown["client_id"] = fields["client_id"];
  const source = request.headers["comfy-usage-source"];
  if (source && !("comfy_usage_source" in shown)) shown["comfy_usage_source"] = source;
  const sensitive: Record<string, unknown> = {};
  for (const key of sensitiveKeys) {
    if (!(key in shown)) continue;
    sensitive[key] = shown[key];
    delete shown[key];
  }
  if (atLeast(version, "0.3.69")) shown["create_time"] = Date.now();
  return { shown, sensitive };
}

function refusal(type: string, message: string, details: string): Reply {
  return json({ error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);
}

function invalidPromptId(): Reply {
  const details =
    "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one";
  return refusal("invalid_prompt_id", "prompt_id must be a valid UUID", details);
}
