import { randomUUID } from "node:crypto";
import type { Context, ErrorHandler, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError, type ErrorCode } from "../../../errors.ts";
import type { Log } from "../../../log.ts";
import { Refusal } from "../refusal.ts";
import type { FilesParts, RestEnv, Scope } from "./parts.ts";

type HttpCode =
  | ErrorCode
  | "unauthorized"
  | "forbidden"
  | "too_large"
  | "unsupported_media_type"
  | "too_many_requests"
  | "internal";

/** The one shape of everything that is refused, on every route. */
export interface ErrorBody {
  error: { code: HttpCode; message: string; parameter?: string };
}

/** A refusal of HTTP itself, before any studio is asked. */
export class HttpRefusal extends Error {
  override name = "HttpRefusal";
  readonly status: ContentfulStatusCode;
  readonly code: HttpCode;

  constructor(status: ContentfulStatusCode, code: HttpCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** One row a code. */
const statuses: Record<ErrorCode, ContentfulStatusCode> = {
  invalid_input: 400,
  idempotency_conflict: 409,
  forbidden: 403,
  too_many: 429,
  not_found: 404,
  not_ready: 503,
  workflow_invalid: 503,
  comfy_unreachable: 503,
  comfy_rejected: 502,
  execution_failed: 502,
  lost: 502,
  cancelled: 409,
  storage: 503,
};

/** What the router itself throws has a status and no code. */
const codes: Partial<Record<number, HttpCode>> = {
  400: "invalid_input",
  404: "not_found",
  413: "too_large",
  415: "unsupported_media_type",
};

/** Answers whatever a route throws; what nobody expected is logged under an id and not shown. */
export function answerErrors(log: Log): ErrorHandler<RestEnv> {
  return (error, c) => {
    if (error instanceof Refusal) {
      return c.json(errorOf(error), { status: error.status, headers: { ...error.headers } });
    }
    if (error instanceof AppError) {
      if (error.code === "too_many") c.header("Retry-After", "10");
      return c.json(bodyOf(error), statuses[error.code]);
    }
    if (error instanceof HttpRefusal)
      return c.json(errorBody(error.code, error.message), error.status);
    if (error instanceof HTTPException) {
      const code = codes[error.status];
      if (code) return c.json(errorBody(code, error.message), error.status);
    }
    return c.json(errorBody("internal", recorded(log, c, error)), 500);
  };
}

/** Writes a defect to the log; returns what its reader is told. */
export function recorded(log: Log, c: Context, error: unknown): string {
  const id = randomUUID().slice(0, 8);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error(`${c.req.method} ${c.req.path} (${id}): ${text}`);
  return `Internal error ${id}; the server's log has the details.`;
}

export function errorBody(code: HttpCode, message: string, parameter?: string): ErrorBody {
  return { error: { code, message, ...(parameter === undefined ? {} : { parameter }) } };
}

/** What the guards refuse, in the shape of everything else. */
export function errorOf({ code, message }: Refusal): ErrorBody {
  return errorBody(worded(code), message);
}

/** The contract's word where the core has a shorter one. */
function worded(code: string): HttpCode {
  return (code === "too_many" ? "too_many_requests" : code) as HttpCode;
}

/** Messages of refused input start with the parameter's name. */
function bodyOf({ code, message }: AppError): ErrorBody {
  const parameter =
    code === "invalid_input" ? /^([a-z][a-z0-9_.]*): /.exec(message)?.[1] : undefined;
  return errorBody(worded(code), message, parameter);
}

export function needs({ scopesOf }: FilesParts, scope: Scope): MiddlewareHandler<RestEnv> {
  return async (c, next) => {
    const has = scopesOf(c.get("studio").caller);
    if (!has.includes(scope)) {
      throw new HttpRefusal(
        403,
        "forbidden",
        `This needs the scope "${scope}"; the key has ${has.join(", ") || "none"}.`,
      );
    }
    await next();
  };
}
