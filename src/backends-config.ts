import { readFileSync } from "node:fs";
import { z } from "zod";
import { type ComfyTarget, nameOf, parseTarget } from "./comfy/target.ts";
import { type Given, isOn } from "./config-values.ts";
import { messageOf, refusal } from "./errors.ts";
import { optionLabel } from "./options.ts";

const standardUrl = "http://127.0.0.1:8188";

const fileSchema = z.strictObject({
  backends: z
    .array(
      z.strictObject({
        url: z.string(),
        name: z
          .string()
          .regex(/^[\w.-]{1,60}$/, "expected letters, digits, dots, dashes and underscores")
          .optional(),
        weight: z.number().positive().max(1_000).optional(),
        headers: z.record(z.string(), z.string()).optional(),
        labels: z.record(z.string(), z.string()).optional(),
        insecure_tls: z.boolean().optional(),
      }),
    )
    .min(1),
});

/** Every ComfyUI that was given, by flag, variable and file; the standard one when none was. */
export function readBackends(given: Given): ComfyTarget[] {
  const isInsecure = isOn("comfyuiInsecureTls", given.comfyuiInsecureTls?.at(-1));
  const read = (url: string) => parseTarget(url, given.comfyuiHeader ?? [], isInsecure);
  const file = given.backends?.at(-1);
  const ofFile = file === undefined ? [] : inFile(file);
  const urls = given.comfyuiUrl ?? (file === undefined ? [standardUrl] : []);
  const all = [...urls.map(read), ...ofFile];
  for (const [i, target] of all.entries()) {
    const isTwin = (other: ComfyTarget) =>
      other.url === target.url || nameOf(other) === nameOf(target);
    if (!all.slice(0, i).some(isTwin)) continue;
    throw refusal(
      `${optionLabel("comfyuiUrl")}, ${optionLabel("backends")}: ${nameOf(target)} (${target.url}) is given twice. Give every ComfyUI once, by a name of its own.`,
    );
  }
  return all;
}

function inFile(file: string): ComfyTarget[] {
  const where = `${optionLabel("backends")}: ${file}`;
  const found = fileSchema.safeParse(jsonIn(file, where));
  if (!found.success) {
    const [issue] = found.error.issues;
    throw refusal(`${where}: ${keyOf(issue?.path ?? [])}: ${issue?.message ?? "is not valid"}`);
  }
  return found.data.backends.map((each, i) => {
    const { name, weight, labels, insecure_tls: insecureTls = false } = each;
    const headers = Object.entries(each.headers ?? {}).map(([key, value]) => `${key}: ${value}`);
    const key = `${where}: backends[${i}]`;
    return {
      ...parseTarget(each.url, headers, insecureTls, {
        url: `${key}.url`,
        headers: `${key}.headers`,
      }),
      ...(name === undefined ? {} : { name }),
      ...(weight === undefined ? {} : { weight }),
      ...(labels === undefined ? {} : { labels }),
    };
  });
}

function jsonIn(file: string, where: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    throw refusal(`${where}: ${messageOf(error)}`);
  }
}

function keyOf(path: readonly PropertyKey[]): string {
  const key = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  return key.join("").replace(/^\./, "") || "the whole file";
}
