import { randomUUID } from "node:crypto";
import { HTTPException } from "hono/http-exception";
import { AppError, type ErrorCode } from "../../errors.ts";
import type { Log } from "../../log.ts";

export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 502 | 503;

/** What a request is answered instead of what it wanted; each face words it in its own shape. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly status: RefusalStatus;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: RefusalStatus,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = status;
    this.headers = headers;
  }

  /** The word for it, for clients that switch on words. */
  get code(): string {
    return this.cause instanceof AppError ? this.cause.code : words[this.status];
  }
}

const words: Record<RefusalStatus, string> = {
  400: "invalid_input",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  413: "too_large",
  415: "unsupported_media_type",
  429: "too_many",
  500: "internal",
  502: "bad_gateway",
  503: "unavailable",
};

const statuses: Record<ErrorCode, RefusalStatus> = {
  invalid_input: 400,
  not_found: 404,
  forbidden: 403,
  idempotency_conflict: 409,
  too_many: 429,
  not_ready: 503,
  workflow_invalid: 500,
  comfy_unreachable: 503,
  comfy_rejected: 502,
  execution_failed: 502,
  lost: 502,
  cancelled: 409,
  storage: 503,
};

/** Seconds after which a limit that was reached may have room again. */
const retryAfter = { "Retry-After": "10" };

/** Whatever was thrown, as an answer; a defect of ours goes to the log and only its id out. */
export function refusalOf(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof AppError) {
    const status = statuses[error.code];
    return new Refusal(status, error.message, status === 429 ? retryAfter : {}, { cause: error });
  }
  if (error instanceof HTTPException && isKnown(error.status)) {
    return new Refusal(error.status, error.message || words[error.status]);
  }
  const id = randomUUID().slice(0, 8);
  log.error(`http (${id}): ${error instanceof Error ? (error.stack ?? error) : error}`);
  return new Refusal(500, `Internal error ${id}; the server's log has the details.`);
}

function isKnown(status: number): status is RefusalStatus {
  return status in words;
}

/** The shape of faces that have none of their own. */
export function plainRefusal({ status, code, message, headers }: Refusal): Response {
  return Response.json({ error: { code, message } }, { status, headers });
}
