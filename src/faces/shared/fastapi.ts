import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError } from "../../errors.ts";
import { statusOf } from "./statuses.ts";

/** One entry of FastAPI's answer 422. */
export interface Fault {
  type: string;
  loc: (string | number)[];
  msg: string;
  input: unknown;
  ctx?: Record<string, unknown>;
}

/** A body that cannot be taken; answered as FastAPI does. */
export class Unprocessable extends Error {
  override name = "Unprocessable";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(({ loc, msg }) => `${loc.slice(1).join(".")}: ${msg}`).join("; "));
    this.faults = faults;
  }
}

/** What a system says in words of its own, with the status it says it with. */
export class HttpProblem extends Error {
  override name = "HttpProblem";
  readonly status: ContentfulStatusCode;

  constructor(status: ContentfulStatusCode, message: string) {
    super(message);
    this.status = status;
  }
}

/** What this server does not do, said so. */
export class NotHere extends HttpProblem {
  override name = "NotHere";

  constructor(message: string) {
    super(501, message);
  }
}

/** FastAPI's shapes; undefined for a defect of ours, which is for whoever mounts this to word. */
export function answerProblem(c: Context, error: unknown): Response | undefined {
  if (error instanceof Unprocessable) return c.json({ detail: error.faults }, 422);
  if (error instanceof HttpProblem) return c.json({ detail: error.message }, error.status);
  if (!(error instanceof AppError)) return undefined;
  if (error.code === "too_many") c.header("Retry-After", "10");
  return c.json({ detail: error.message, code: error.code }, statusOf(error.code));
}
