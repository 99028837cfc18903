import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError, type ErrorCode } from "../../errors.ts";
import { statusOf } from "../shared/statuses.ts";

/** OpenAI's shape of what is refused or fails. */
export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

/** A call that cannot be taken, as OpenAI words it. */
export class Refused extends Error {
  override name = "Refused";
  readonly status: ContentfulStatusCode;
  readonly param: string | null;
  readonly code: string | null;

  constructor(
    message: string,
    param: string | null = null,
    { status = 400, code = null }: { status?: ContentfulStatusCode; code?: string | null } = {},
  ) {
    super(message);
    this.status = status;
    this.param = param;
    this.code = code;
  }
}

/** Errors that the same call will meet again: OpenAI's clients try 409, 429 and 5xx anew unless told. */
const final: readonly ErrorCode[] = [
  ...(["idempotency_conflict", "not_ready", "workflow_invalid"] as const),
  ...(["comfy_rejected", "execution_failed"] as const),
];

export function errorBody(
  status: number,
  message: string,
  { param = null, code = null }: { param?: string | null; code?: string | null } = {},
): ErrorBody {
  const type =
    status >= 500
      ? "server_error"
      : status === 429
        ? "rate_limit_error"
        : status === 403
          ? "permission_error"
          : "invalid_request_error";
  const known = status === 401 ? "invalid_api_key" : status === 429 ? "rate_limit_exceeded" : code;
  return { error: { message, type, param, code: known } };
}

/** Undefined for a defect of ours, which is for whoever mounts this to word. */
export function problemOf(
  error: unknown,
): { status: ContentfulStatusCode; body: ErrorBody; isFinal: boolean } | undefined {
  if (error instanceof Refused) {
    const { status, message, param, code } = error;
    return { status, body: errorBody(status, message, { param, code }), isFinal: status < 500 };
  }
  if (!(error instanceof AppError)) return undefined;
  const { code, message } = error;
  // Messages of refused input start with the parameter's name.
  const param = code === "invalid_input" ? /^(\w+)(?:\.\d+)?: /.exec(message)?.[1] : undefined;
  if (param === "model" || (code === "not_found" && /\bworkflow\b/.test(message))) {
    const unknown = { param: "model", code: "model_not_found" };
    return { status: 404, body: errorBody(404, message, unknown), isFinal: true };
  }
  const body = errorBody(statusOf(code), message, { param: param ?? null, code });
  return { status: statusOf(code), body, isFinal: final.includes(code) };
}

export function answerProblem(c: Context, error: unknown): Response | undefined {
  const problem = problemOf(error);
  if (!problem) return undefined;
  if (problem.isFinal) c.header("x-should-retry", "false");
  if (problem.status === 429) c.header("Retry-After", "10");
  return c.json(problem.body, problem.status);
}
