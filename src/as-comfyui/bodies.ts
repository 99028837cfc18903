import { PythonError } from "./python.ts";

/** The body of `POST /queue`, `/history` and `/free`. Throws a `PythonError` where ComfyUI raises. */
export function objectIn(body: unknown): Record<string, unknown> {
  if (body === null || typeof body !== "object") {
    throw new PythonError("TypeError", "argument is not iterable");
  }
  return body as Record<string, unknown>;
}

/** The ids under `delete`. Throws a `PythonError` where ComfyUI raises. */
export function idList(ids: unknown): string[] {
  if (ids === undefined) return [];
  if (!Array.isArray(ids)) throw new PythonError("TypeError", "object is not iterable");
  return ids.map(String);
}

/** Whom `POST /interrupt` means; undefined for whatever runs. `body` is undefined for no JSON. */
export function interruptTarget(body: unknown): unknown {
  if (body === undefined) return undefined;
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    throw new PythonError("AttributeError", "object has no attribute 'get'");
  }
  return (body as Record<string, unknown>)["prompt_id"];
}
