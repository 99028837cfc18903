import { randomUUID } from "node:crypto";
import type { Agent } from "undici";
import { AppError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type AddressRule, guardedLookup, literalAddress } from "../net/address.ts";
import { loadUndici } from "../net/undici.ts";
import type { Outbox } from "./outbox.ts";
import { type Message, signedHeaders, type Webhook } from "./webhook.ts";

/** After the last of these the message is given up: about 27 hours in all. */
const retryAfterMs = [5, 30, 120, 600, 1800, 7200, 14_400, 28_800, 43_200].map((s) => s * 1000);
const attemptTimeoutMs = 15_000;
/** Longer than an attempt: a message is taken again only when its taker has died. */
const leaseMs = 60_000;
const takenAtOnce = 20;

export interface SenderOptions {
  outbox: Outbox;
  rule: AddressRule;
  /** Whether `rule` lets private addresses be called. @default false */
  allowPrivate?: boolean;
  log: Log;
  /** How often the outbox is looked at. @default 1_000 */
  everyMs?: number;
  /** @default the schedule above */
  retryAfterMs?: readonly number[];
}

/**
 * Delivers messages from the outbox, with back-off, until they are taken or given up. Redirects
 * are not followed: the address was checked, where it points to was not.
 */
export class WebhookSender {
  readonly #options: SenderOptions;
  readonly #schedule: readonly number[];
  #agent: Promise<Agent> | undefined;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  /** Something was added while the outbox was being gone through. */
  #again = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#schedule = options.retryAfterMs ?? retryAfterMs;
  }

  /** Delivers what earlier processes left, too. */
  start(): void {
    this.#timer = setInterval(() => this.#go(), this.#options.everyMs ?? 1_000);
    this.#timer.unref();
    this.#go();
  }

  /** Kept until delivered; resolves when it is kept. Kept again, it has the same id. */
  async keep(taskId: string, webhook: Webhook, type: string, data: object): Promise<void> {
    await this.keepBody(taskId, webhook, type, bodyOf(type, data));
  }

  /** As `keep`, in words of another system: the body as a whole. */
  async keepBody(taskId: string, webhook: Webhook, type: string, body: string): Promise<void> {
    const { outbox, allowPrivate } = this.#options;
    const message = { id: `msg_${taskId}_${type}`, taskId, webhook, body, attempts: 0 };
    await outbox.add(allowPrivate ? { ...message, private: true } : message);
  }

  /** Delivers what is kept, now. */
  deliver(): void {
    this.#go();
  }

  /** One attempt, and no more: for what the next message makes stale anyway. */
  async attempt(taskId: string, webhook: Webhook, type: string, data: object): Promise<void> {
    await this.attemptBody(taskId, webhook, bodyOf(type, data));
  }

  /** As `attempt`, in words of another system. */
  async attemptBody(taskId: string, webhook: Webhook, body: string): Promise<void> {
    await this.#post({ id: `msg_${randomUUID()}`, taskId, webhook, body, attempts: 0 });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#running;
    await (await this.#agent)?.destroy();
  }

  async #open(): Promise<Agent> {
    const { Agent } = await loadUndici();
    const refused = (host: string, reason: string) =>
      new AppError("invalid_input", `${host} is ${reason}`);
    return new Agent({ connect: { lookup: guardedLookup(this.#options.rule, refused) } });
  }

  #go(): void {
    if (this.#closing.signal.aborted) return;
    this.#again = this.#running !== undefined;
    this.#running ??= this.#drain()
      .catch((error) => this.#options.log.error(`webhooks: ${messageOf(error)}`))
      .finally(() => {
        this.#running = undefined;
        if (this.#again) this.#go();
      });
  }

  async #drain(): Promise<void> {
    const { outbox } = this.#options;
    for (;;) {
      const messages = await outbox.take(leaseMs, takenAtOnce, this.#options.allowPrivate === true);
      await Promise.all(messages.map((message) => this.#deliver(message)));
      if (messages.length < takenAtOnce || this.#closing.signal.aborted) return;
    }
  }

  async #deliver(message: Message): Promise<void> {
    const { outbox, log } = this.#options;
    const failure = await this.#post(message).catch(messageOf);
    if (this.#closing.signal.aborted) return outbox.retry(message, 0);
    if (failure === undefined) return outbox.drop(message.id);
    const what = `webhook of task ${message.taskId} to ${new URL(message.webhook.url).host}`;
    const delayMs = this.#schedule[message.attempts];
    if (delayMs === undefined || failure === gone) {
      log.warn(`${what}: given up after ${message.attempts + 1} attempts: ${failure}`);
      return outbox.drop(message.id);
    }
    log.info(`${what}: ${failure}; again in ${delayMs / 1000} s`);
    await outbox.retry({ ...message, attempts: message.attempts + 1 }, delayMs);
  }

  /** Undefined when it was taken, else why not. */
  async #post(message: Message): Promise<string | undefined> {
    const url = new URL(message.webhook.url);
    const literal = literalAddress(url.hostname);
    const reason = literal === undefined ? undefined : this.#options.rule(literal);
    if (reason) return `${url.hostname} is ${reason}`;
    const { request } = await loadUndici();
    this.#agent ??= this.#open();
    const response = await request(url, {
      method: "POST",
      headers: signedHeaders(message, new Date()),
      body: message.body,
      dispatcher: await this.#agent,
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(attemptTimeoutMs)]),
    });
    response.body.on("error", () => {}).resume();
    if (response.statusCode === 410) return gone;
    const taken = response.statusCode >= 200 && response.statusCode < 300;
    return taken ? undefined : `it answered ${response.statusCode}`;
  }
}

/** The receiver wants no more of these. */
const gone = "it answered 410";

function bodyOf(type: string, data: object): string {
  return JSON.stringify({ type, timestamp: new Date().toISOString(), data });
}
