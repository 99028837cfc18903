import { randomUUID } from "node:crypto";
import type { Graph } from "../../comfy/protocol.ts";
import { json, type NoReply, type Reply, serverError } from "../http/reply.ts";
import { jsonBody, type Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";
import { float, PythonError, str } from "../python.ts";
import { sensitiveKeys } from "../queue.ts";
import { validatePrompt } from "../validate.ts";
import { atLeast } from "../version.ts";

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

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

/** Before 0.25.0 any value was turned into text, null into "None". */
function promptIdOf(given: unknown, version: string): string | undefined {
  if (given === undefined) return randomUUID();
  if (!atLeast(version, "0.25.0")) return str(given);
  if (given === null) return randomUUID();
  return typeof given === "string" && canonicalUuid.test(given) ? given : undefined;
}

function accept(
  request: Request,
  parts: Parts,
  fields: Record<string, unknown>,
  number: number,
  promptId: string,
): Reply | NoReply {
  const graph = graphOf(fields["prompt"], parts.version);
  const targets = fields["partial_execution_targets"];
  const verdict = validatePrompt(graph, Array.isArray(targets) ? targets : undefined, {
    catalog: parts.catalog,
    disk: parts.disk,
    version: parts.version,
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

/** A prompt that is no object of objects makes ComfyUI raise, but for two that older ones let pass. */
function graphOf(prompt: unknown, version: string): Graph {
  // Nothing is looked up in an empty list before 0.14.0.
  if (Array.isArray(prompt) && prompt.length === 0 && !atLeast(version, "0.14.0")) return {};
  const nodes = isObject(prompt) ? Object.entries(prompt) : [];
  if (
    !isObject(prompt) ||
    !nodes.every(([, node]) => isObject(node) || hasNoClass(node, version))
  ) {
    throw new PythonError("AttributeError", "'list' object has no attribute 'items'");
  }
  return Object.fromEntries(
    nodes.map(([id, node]) => [id, isObject(node) ? node : {}]),
  ) as unknown as Graph;
}

/** Before 0.12.0 a text or a list was only asked whether it contains "class_type". */
function hasNoClass(node: unknown, version: string): boolean {
  const searchable = typeof node === "string" || Array.isArray(node);
  return searchable && !node.includes("class_type") && !atLeast(version, "0.12.0");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

interface ExtraData {
  shown: Record<string, unknown>;
  sensitive: Record<string, unknown>;
}

function extraData(request: Request, fields: Record<string, unknown>, version: string): ExtraData {
  const given = "extra_data" in fields ? fields["extra_data"] : {};
  if (!isObject(given)) return oddExtraData(given, fields, version);
  const shown: Record<string, unknown> = { ...given };
  if ("client_id" in fields) shown["client_id"] = fields["client_id"];
  const source = request.headers["comfy-usage-source"];
  if (source && !("comfy_usage_source" in shown) && atLeast(version, "0.25.0")) {
    shown["comfy_usage_source"] = source;
  }
  const sensitive: Record<string, unknown> = {};
  // Before 0.3.68 the queue showed the keys to everybody.
  for (const key of atLeast(version, "0.3.68") ? sensitiveKeys : []) {
    if (!(key in shown)) continue;
    sensitive[key] = shown[key];
    delete shown[key];
  }
  if (atLeast(version, "0.3.69")) shown["create_time"] = Date.now();
  return { shown, sensitive };
}

/** Before 0.3.68 only a client id had to be written into it; the rest was left to the worker. */
function oddExtraData(given: unknown, fields: Record<string, unknown>, version: string): ExtraData {
  if (atLeast(version, "0.3.68") || "client_id" in fields) {
    throw new PythonError("TypeError", "object does not support item assignment");
  }
  return { shown: given as Record<string, unknown>, sensitive: {} };
}

function refusal(type: string, message: string, details: string): Reply {
  return json({ error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);
}

function invalidPromptId(): Reply {
  const details =
    "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one";
  return refusal("invalid_prompt_id", "prompt_id must be a valid UUID", details);
}
