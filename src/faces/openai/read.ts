import { formOf, isForm, isRecord, jsonOf } from "../shared/body.ts";
import type { FaceContext } from "../shared/env.ts";
import { Refused } from "./problems.ts";
import { type Call, readFields } from "./schema.ts";

export interface Read extends Call {
  /** In whatever form a picture can be given; text. */
  images: string[];
  mask: string | undefined;
}

/** A body of JSON, with any Content-Type or none, or a form. Throws `Refused`. */
export async function readCall(c: FaceContext): Promise<Read> {
  const body = isForm(c) ? await formIn(c) : await objectIn(c);
  const { image, "image[]": list, images, mask, ...rest } = body;
  const pictures = [image, list, images].flatMap(picturesIn);
  return { ...readFields(rest), images: pictures, mask: picturesIn(mask)[0] };
}

async function objectIn(c: FaceContext): Promise<Record<string, unknown>> {
  const body = await jsonOf(c).catch((error) => {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  });
  if (isRecord(body)) return body;
  throw new Refused("We could not parse the JSON body of your request: it is no JSON object.");
}

async function formIn(c: FaceContext): Promise<Record<string, unknown>> {
  const form = await formOf(c).catch(() => {
    throw new Refused("The form cannot be read: it is cut short, or its boundary is wrong.");
  });
  return Object.fromEntries(
    [...form].map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
  );
}

/** Texts, lists of them, and OpenAI's `{image_url}`. */
function picturesIn(value: unknown): string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  if (Array.isArray(value)) return value.flatMap(picturesIn);
  if (!isRecord(value)) return [];
  return picturesIn(value["image_url"] ?? value["url"] ?? value["b64_json"]);
}
