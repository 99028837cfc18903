import type { FaceContext } from "./env.ts";

/** JSON, whatever the Content-Type says or where there is none; an empty body is an empty object. Throws what is no JSON. */
export async function jsonOf(c: FaceContext): Promise<unknown> {
  const text = await c.req.text();
  return text.trim() === "" ? {} : JSON.parse(text.replace(/^\uFEFF/, ""));
}

export function isForm(c: FaceContext): boolean {
  const type = c.req.header("content-type") ?? "";
  return /^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type);
}

/** Every value of every field, files as data URIs; an empty file is an empty text. Throws for a form that is cut short. */
export async function formOf(c: FaceContext): Promise<Map<string, string[]>> {
  const fields = new Map<string, string[]>();
  for (const [name, value] of await c.req.formData()) {
    const text = typeof value === "string" ? value : await dataUri(value);
    fields.set(name, [...(fields.get(name) ?? []), text]);
  }
  return fields;
}

/** Of what type it is shows when it is decoded. */
async function dataUri(file: File): Promise<string> {
  const bytes = Buffer.from(await file.arrayBuffer());
  return bytes.length === 0 ? "" : `data:image/png;base64,${bytes.toString("base64")}`;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const stringsAndNumbers = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * JSON of a graph. Whole numbers beyond 2^53 (seeds go up to 2^64 - 1) become text, which ComfyUI
 * reads as the very same number; a number of JavaScript would be another one. Throws what is no JSON.
 */
export function exactJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(
    text.replace(stringsAndNumbers, (token) =>
      /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
    ),
  );
}
