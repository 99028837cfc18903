import { createHmac } from "node:crypto";
import { AppError } from "../errors.ts";
import { type AddressRule, literalAddress } from "../net/address.ts";

/** Where a task's events go. */
export interface Webhook {
  url: string;
  headers?: Record<string, string>;
  /** Standard Webhooks: `whsec_` and base64; other text is taken as it is. */
  secret?: string;
  /** The system whose clients expect its own words; see `WebhookShapes`. */
  shape?: string;
}

/** One message on its way, as it is kept until it has been delivered. */
export interface Message {
  /** Also the `webhook-id`: the same for every attempt, so that receivers can drop repeats. */
  id: string;
  taskId: string;
  webhook: Webhook;
  body: string;
  attempts: number;
  /** Accepted by a server that calls private addresses: no other one may try it. */
  private?: true;
}

/** Headers a caller may not set: they are ours, or would change where the message goes. */
const reserved = /^(host|content-length|content-type|transfer-encoding|connection|webhook-.*)$/i;

/** Throws `invalid_input` for a webhook that can never be delivered. */
export function checkWebhook(webhook: Webhook, rule: AddressRule): void {
  const url = URL.canParse(webhook.url) ? new URL(webhook.url) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw refusal(
      `webhook_url: expected an http or https address without credentials, got ${JSON.stringify(url ? `${url.protocol}//${url.host}` : webhook.url.slice(0, 40))}.`,
    );
  }
  const address = url.hostname === "localhost" ? "127.0.0.1" : literalAddress(url.hostname);
  const reason = address === undefined ? undefined : rule(address);
  if (reason) {
    throw refusal(
      `webhook_url: ${url.hostname} is ${reason}. Only public addresses are called, unless the operator sets --allow-private-urls (EASEL_ALLOW_PRIVATE_URLS).`,
    );
  }
  for (const [name, value] of Object.entries(webhook.headers ?? {})) {
    if (/^[A-Za-z0-9-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value) && !reserved.test(name))
      continue;
    throw refusal(
      `webhook_headers: the header ${JSON.stringify(name.slice(0, 40))} cannot be sent.`,
    );
  }
}

/** The headers of one attempt, signed as Standard Webhooks specify (`v1`, HMAC-SHA256). */
export function signedHeaders({ id, webhook, body }: Message, now: Date): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const headers: Record<string, string> = {
    ...webhook.headers,
    "content-type": "application/json",
    "user-agent": "comfy-easel",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
  };
  if (webhook.secret !== undefined) {
    const signature = createHmac("sha256", keyOf(webhook.secret))
      .update(`${id}.${timestamp}.${body}`)
      .digest("base64");
    headers["webhook-signature"] = `v1,${signature}`;
  }
  return headers;
}

function keyOf(secret: string): Buffer {
  return secret.startsWith("whsec_")
    ? Buffer.from(secret.slice("whsec_".length), "base64")
    : Buffer.from(secret);
}

function refusal(message: string): AppError {
  return new AppError("invalid_input", message);
}
