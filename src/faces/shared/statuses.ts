import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorCode } from "../../errors.ts";

const statuses: Record<ErrorCode, ContentfulStatusCode> = {
  invalid_input: 400,
  idempotency_conflict: 409,
  not_found: 404,
  forbidden: 403,
  too_many: 429,
  not_ready: 503,
  workflow_invalid: 500,
  comfy_unreachable: 503,
  comfy_rejected: 502,
  execution_failed: 500,
  lost: 500,
  cancelled: 400,
  storage: 503,
};

/** The status where the other system has none of its own for it. */
export function statusOf(code: ErrorCode): ContentfulStatusCode {
  return statuses[code];
}
