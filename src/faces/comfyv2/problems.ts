import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { NodeErrors, PromptErrorResponse } from "../../comfy/protocol.ts";
import { AppError, type ErrorCode } from "../../errors.ts";

/** Comfy API v2's shape of what is refused. */
export interface ErrorEnvelope {
  error: { code: string; message: string; details?: Record<string, unknown> };
}

/** A call that cannot be taken, under one of the API's codes. */
export class Problem extends Error {
  override name = "Problem";
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly details: Record<string, unknown> | undefined;

  constructor(
    status: ContentfulStatusCode,
    code: string,
    message: string,
    details?: Record<string, unknown>,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** A field that is not as the API has it; `name` says which. */
export function invalid(name: string, why: string): Problem {
  return new Problem(422, "invalid_request", `${name}: ${why}`, { field: name });
}

const codes: Record<ErrorCode, [status: ContentfulStatusCode, code: string]> = {
  invalid_input: [422, "invalid_request"],
  idempotency_conflict: [422, "idempotency_key_reuse"],
  not_found: [404, "not_found"],
  forbidden: [403, "forbidden"],
  too_many: [429, "queue_full"],
  not_ready: [503, "not_ready"],
  workflow_invalid: [500, "workflow_invalid"],
  comfy_unreachable: [503, "comfy_unreachable"],
  comfy_rejected: [422, "invalid_workflow"],
  execution_failed: [500, "execution_failed"],
  lost: [500, "lost"],
  cancelled: [409, "canceled"],
  storage: [503, "storage"],
};

/** Seconds after which it is worth asking again. */
const retryAfter = 10;

export function envelope(
  code: string,
  message: string,
  details?: Record<string, unknown>,
): ErrorEnvelope {
  return { error: { code, message, ...(details ? { details } : {}) } };
}

/** Undefined for a defect of ours, which is for whoever mounts this to word. */
export function answerProblem(c: Context, error: unknown): Response | undefined {
  if (error instanceof Problem) {
    return c.json(envelope(error.code, error.message, error.details), error.status);
  }
  if (!(error instanceof AppError)) return undefined;
  const [status, code] = codes[error.code];
  if (status === 429 || status === 503) c.header("Retry-After", String(retryAfter));
  return c.json(envelope(code, error.message), status);
}

interface Reason {
  /** The input; null for the node itself. */
  field: string | null;
  reason: string;
  message: string;
}

/** A graph that ComfyUI would not take, with its reasons by node and input. */
export function invalidWorkflow({ error, node_errors }: PromptErrorResponse): Problem {
  const whole = typeof error === "string" ? error : `${error.message} ${error.details}`.trim();
  const [first] = reasonsOf(node_errors);
  const odd = typeof error === "string" ? undefined : error.extra_info["node_id"];
  const nodes = Object.entries(node_errors).map(([id, { errors }]): [string, Reason[]] => [
    id,
    errors.map(({ type, message, details, extra_info: { input_name: input } }) => ({
      field: typeof input === "string" ? input : null,
      reason: type,
      message: `${message}: ${details}`,
    })),
  ]);
  if (typeof error !== "string" && typeof odd === "string" && nodes.length === 0) {
    nodes.push([odd, [{ field: null, reason: error.type, message: error.message }]]);
  }
  const details = { node_errors: Object.fromEntries(nodes) };
  return new Problem(422, "invalid_workflow", first ?? whole, details);
}

/** Each error of a node in one line. */
export function reasonsOf(nodeErrors: NodeErrors): string[] {
  return Object.entries(nodeErrors).flatMap(([id, { class_type: name, errors }]) =>
    errors.map(({ message, details }) => `Node ${id} (${name}): ${message}: ${details}`),
  );
}
