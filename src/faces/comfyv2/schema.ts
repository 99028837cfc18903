import { z } from "zod";
import { cut, nearest } from "../../words.ts";
import { isRecord } from "../shared/body.ts";
import { noEffect } from "../shared/warnings.ts";
import { invalid } from "./problems.ts";

/** Bytes of `metadata`, as the makers' proxy has it. */
const mostMetadata = 1024;

const given = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => value ?? undefined, schema.optional());

/** `POST /jobs`; what the API has no field for is at the end. */
const jobFields = z.looseObject({
  workflow: z.record(z.string(), z.unknown()),
  extra_data: given(z.record(z.string(), z.unknown())),
  webhook_url: given(z.string()),
  label: given(z.string()),
  priority: given(z.int().min(-100).max(100)),
  metadata: given(z.record(z.string(), z.unknown())),
});

export type JobCall = z.infer<typeof jobFields>;

const known: readonly string[] = Object.keys(jobFields.shape);

/** The call, and what in it nothing follows. Throws `Problem`, naming the field. */
export function readJob(body: unknown): { call: JobCall; warnings: string[] } {
  if (!isRecord(body)) throw invalid("body", "expected a JSON object with the field workflow.");
  if (body["inputs"] !== undefined) {
    throw invalid("inputs", "this field is reserved; write values into the workflow.");
  }
  const read = jobFields.safeParse(body);
  if (!read.success) {
    const [issue] = read.error.issues;
    const name = issue?.path.join(".") || "body";
    const shown = cut(JSON.stringify(body[name]) ?? "nothing", 60);
    throw invalid(name, `${issue?.message ?? "it is not valid"}; got ${shown}.`);
  }
  const call = read.data;
  if (JSON.stringify(call.metadata ?? {}).length > mostMetadata) {
    throw invalid("metadata", `at most ${mostMetadata} bytes of JSON are kept.`);
  }
  return { call, warnings: [...unknown(Object.keys(body)), ...ofExtraData(call.extra_data ?? {})] };
}

function unknown(names: readonly string[]): string[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const [close] = nearest(name, known, 1);
      const hint = close === undefined ? "" : `; did you mean ${close}`;
      return noEffect(cut(name, 60), `there is no such field here${hint}`);
    });
}

/** Keys of partner services are neither kept nor passed on. */
function ofExtraData(extra: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(extra).map((name) => {
    const isKey = name === "api_key_comfy_org" || name === "auth_token_comfy_org";
    const why = isKey ? "nodes that cost money are not run here" : "there is no such field here";
    return noEffect(`extra_data.${cut(name, 60)}`, why);
  });
}
