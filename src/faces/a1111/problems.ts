import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError } from "../../errors.ts";
import { HttpProblem, Unprocessable } from "../shared/fastapi.ts";
import { statusOf } from "../shared/statuses.ts";

/** What the web UI's own handler makes of an exception (AUTOMATIC1111 1.10, `modules/api/api.py`). */
export interface ErrorBody {
  error: string;
  detail: string;
  body: string;
  errors: string;
}

export function errorBody(message: string): ErrorBody {
  return { error: "HTTPException", detail: message, body: "", errors: message };
}

/** Undefined for a defect of ours, which is for whoever mounts this to word. */
export function answerProblem(c: Context, error: unknown): Response | undefined {
  if (error instanceof Unprocessable) return c.json({ detail: error.faults }, 422);
  const status = statusIn(error);
  if (status === undefined || !(error instanceof Error)) return undefined;
  if (status === 429) c.header("Retry-After", "10");
  return c.json(errorBody(inTheirWords(error.message)), status);
}

function statusIn(error: unknown): ContentfulStatusCode | undefined {
  if (error instanceof HttpProblem) return error.status;
  return error instanceof AppError ? statusOf(error.code) : undefined;
}

/** Our parameters by the names their clients know. */
const theirs: Readonly<Record<string, string>> = {
  guidance: "cfg_scale",
  strength: "denoising_strength",
  count: "batch_size",
  sampler: "sampler_name",
  image: "init_images",
  feather: "mask_blur",
  factor: "upscaling_resize",
};

function inTheirWords(message: string): string {
  return message.replace(/^(\w+)(?=: )/, (name) =>
    Object.hasOwn(theirs, name) ? `${theirs[name]}` : name,
  );
}
