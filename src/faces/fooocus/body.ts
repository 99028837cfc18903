import { Unprocessable } from "../shared/fastapi.ts";
import type { FooocusContext } from "./env.ts";
import { fault } from "./read.ts";

/** JSON, whatever the Content-Type says or where there is none. An empty body is an empty call. */
export async function jsonBody(c: FooocusContext): Promise<unknown> {
  const text = await c.req.text();
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new Unprocessable([fault("json_invalid", [], "JSON decode error", text.slice(0, 100))]);
  }
}

/** A form, or JSON where it is none: text as text, files as data URIs. */
export async function formBody(c: FooocusContext): Promise<Record<string, unknown>> {
  const type = c.req.header("content-type") ?? "";
  if (!/^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type)) {
    const body = await jsonBody(c);
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  }
  const form = await c.req.formData().catch(() => {
    throw new Unprocessable([fault("form_invalid", [], "The form cannot be read", null)]);
  });
  const fields: Record<string, unknown> = {};
  for (const [name, value] of form) {
    fields[name] = typeof value === "string" ? value : await dataUri(value);
  }
  return fields;
}

async function dataUri(file: File): Promise<string> {
  const bytes = Buffer.from(await file.arrayBuffer());
  return bytes.length === 0 ? "" : `data:image/png;base64,${bytes.toString("base64")}`;
}
