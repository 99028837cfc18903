import { Refusal } from "./refusal.ts";

/** Names come from tokens of an issuer too, so there may be any number. */
const mostBuckets = 10_000;

interface Bucket {
  tokens: number;
  /** Milliseconds, as `performance.now()` gives them. */
  filledAt: number;
}

/** A bucket of tokens for each caller: a minute's worth at once, then as they come back. */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();

  /** Throws a 429 that says when to come again, to whom is named so; `id` tells those apart. */
  take(who: string, perMinute: number, id = who, now = performance.now()): void {
    const bucket = this.#buckets.get(id) ?? { tokens: perMinute, filledAt: now };
    const refilled = bucket.tokens + ((now - bucket.filledAt) * perMinute) / 60_000;
    bucket.tokens = Math.min(perMinute, refilled);
    bucket.filledAt = now;
    if (this.#buckets.size >= mostBuckets) this.#forgetFull(now);
    this.#buckets.set(id, bucket);
    if (bucket.tokens < 1) {
      const seconds = Math.max(1, Math.ceil(((1 - bucket.tokens) * 60) / Math.max(perMinute, 1)));
      throw new Refusal(
        429,
        `${who} may be used for ${perMinute} requests a minute. Come again in ${seconds} s.`,
        { "Retry-After": String(seconds) },
      );
    }
    bucket.tokens -= 1;
  }

  /** One that nobody has taken from for a minute is full, as a new one is. */
  #forgetFull(now: number): void {
    for (const [name, { filledAt }] of this.#buckets) {
      if (now - filledAt > 60_000) this.#buckets.delete(name);
    }
  }
}

/** How many requests of each caller are being answered. */
export class Concurrency {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Returns what ends it. Throws a 429 when there are too many. */
  enter(name: string): () => void {
    const open = this.#open.get(name) ?? 0;
    if (open >= this.#most) {
      throw new Refusal(
        429,
        `The key ${name} has ${open} requests open, and may have no more. Wait for some to end.`,
        { "Retry-After": "5" },
      );
    }
    this.#open.set(name, open + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#open.get(name) ?? 1) - 1;
      if (left > 0) this.#open.set(name, left);
      else this.#open.delete(name);
    };
  }
}
