import { formOf, isForm, isRecord, jsonOf } from "../shared/body.ts";
import { Unprocessable } from "../shared/fastapi.ts";
import type { FooocusContext } from "./env.ts";
import { fault } from "./read.ts";

/** JSON, whatever the Content-Type says or where there is none. An empty body is an empty call. */
export async function jsonBody(c: FooocusContext): Promise<unknown> {
  try {
    return await jsonOf(c);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const given = (await c.req.text()).slice(0, 100);
    throw new Unprocessable([fault("json_invalid", [], "JSON decode error", given)]);
  }
}

/** A form, or JSON where it is none: text as text, files as data URIs. */
export async function formBody(c: FooocusContext): Promise<Record<string, unknown>> {
  if (!isForm(c)) {
    const body = await jsonBody(c);
    return isRecord(body) ? body : {};
  }
  const form = await formOf(c).catch(() => {
    throw new Unprocessable([fault("form_invalid", [], "The form cannot be read", null)]);
  });
  return Object.fromEntries([...form].map(([name, values]) => [name, values.at(-1)]));
}
