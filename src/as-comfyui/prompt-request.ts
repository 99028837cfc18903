import { randomUUID } from "node:crypto";
import type { Graph } from "../comfy/protocol.ts";
import { float, PythonError, str } from "./python.ts";
import { json, type Reply, serverError } from "./reply.ts";
import { atLeast } from "./version.ts";

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isCanonicalUuid(value: unknown): value is string {
  return typeof value === "string" && canonicalUuid.test(value);
}

/** Keys of partner services, of `extra_data`; never shown in queue or history. */
export const sensitiveKeys = ["auth_token_comfy_org", "api_key_comfy_org"];

/** The body of `POST /prompt`, read as far as it can be without knowing any node. */
export interface ReadPrompt {
  number: number;
  promptId: string;
  graph: Graph;
  /** Of its output nodes, the only ones that are wanted. */
  targets: readonly string[] | undefined;
  extraData: ExtraData;
}

export function execInfo(remaining: number): Record<string, unknown> {
  return { exec_info: { queue_remaining: remaining } };
}

/**
 * The request, or the answer it gets instead. `count` gives the next place in the queue, and moves
 * on for every request without a number of its own, valid or not. `source` is the request's
 * `Comfy-Usage-Source`. Throws a `PythonError` where ComfyUI raises.
 */
export function readPrompt(
  body: unknown,
  count: () => number,
  source: string | undefined,
  version: string,
): ReadPrompt | Reply {
  if (body === null || typeof body === "number" || typeof body === "boolean") return serverError;
  const fields = (typeof body === "object" ? body : {}) as Record<string, unknown>;
  const number = promptNumber(fields, count);
  if (!("prompt" in fields)) {
    return promptRefusal("no_prompt", "No prompt provided", "No prompt provided");
  }
  const promptId = promptIdOf(fields["prompt_id"], version);
  if (promptId === undefined) return invalidPromptId();
  const targets = fields["partial_execution_targets"];
  return {
    number,
    promptId,
    graph: graphOf(fields["prompt"], version),
    targets: Array.isArray(targets) ? targets : undefined,
    extraData: extraDataOf(fields, source, version),
  };
}

function promptNumber(fields: Record<string, unknown>, count: () => number): number {
  if ("number" in fields) return float(fields["number"]);
  const counted = count();
  return fields["front"] ? -counted : counted;
}

/** Undefined for what is no id. Before 0.25.0 any value was turned into text, null into "None". */
function promptIdOf(given: unknown, version: string): string | undefined {
  if (given === undefined) return randomUUID();
  if (!atLeast(version, "0.25.0")) return str(given);
  if (given === null) return randomUUID();
  return isCanonicalUuid(given) ? given : undefined;
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
  // What a node lacks is said when it is validated, not before.
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

export interface ExtraData {
  shown: Record<string, unknown>;
  sensitive: Record<string, unknown>;
}

function extraDataOf(
  fields: Record<string, unknown>,
  source: string | undefined,
  version: string,
): ExtraData {
  const given = "extra_data" in fields ? fields["extra_data"] : {};
  if (!isObject(given)) return oddExtraData(given, fields, version);
  const shown: Record<string, unknown> = { ...given };
  if ("client_id" in fields) shown["client_id"] = fields["client_id"];
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

function promptRefusal(type: string, message: string, details: string): Reply {
  return json({ error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);
}

function invalidPromptId(): Reply {
  const details =
    "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one";
  return promptRefusal("invalid_prompt_id", "prompt_id must be a valid UUID", details);
}
