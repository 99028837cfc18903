import { z } from "zod";
import { refusal } from "../../errors.ts";
import type { Webhook } from "../../webhooks/webhook.ts";

const webhookSchema = z.strictObject({
  url: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  secret: z.string().min(1).optional(),
});

/** `_meta: {"comfy-easel/webhook": {url, headers, secret}}` on a tool call. Throws for another shape. */
export function webhookIn(meta: Readonly<Record<string, unknown>>): Partial<Webhook> | undefined {
  const given = meta["comfy-easel/webhook"];
  if (given === undefined) return undefined;
  const parsed = webhookSchema.safeParse(given);
  if (!parsed.success) {
    throw refusal(
      `_meta["comfy-easel/webhook"]: expected {url?, headers?, secret?}: ${parsed.error.issues[0]?.message}.`,
    );
  }
  const { url, headers, secret } = parsed.data;
  return {
    ...(url ? { url } : {}),
    ...(headers ? { headers } : {}),
    ...(secret ? { secret } : {}),
  };
}

/** `_meta: {"comfy-easel/NAME": text}`. */
export function textIn(meta: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const key = `comfy-easel/${name}`;
  const given = meta[key];
  if (given === undefined || typeof given === "string") return given;
  throw refusal(`_meta["${key}"]: expected text.`);
}
