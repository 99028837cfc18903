import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { refusal } from "../../errors.ts";
import { linesOf } from "./given-lines.ts";

const leastKey = 32;
/** Half of SHA-256's bytes, the least that RFC 2104 (5) lets an HMAC be cut to. */
const signatureBytes = 16;

export interface LinksParts {
  /** What links are signed with. */
  secret: Buffer;
  /** How long one lives, at most; at least half of that. */
  minutes: number;
  /** @default Date.now */
  now?: () => number;
}

/** The signature of a link, and when it ends; seconds since 1970. */
interface Signed {
  expires: string | undefined;
  signature: string | undefined;
}

/** Links to pictures that need no key, for as long as their signature says. */
export class Links {
  readonly #secret: Buffer;
  readonly #step: number;
  readonly #now: () => number;

  constructor({ secret, minutes, now = Date.now }: LinksParts) {
    this.#secret = secret;
    this.#step = minutes * 30;
    this.#now = now;
  }

  /**
   * `?expires=SECONDS&signature=TEXT` for whoever has no key; empty where links live 0 minutes. It
   * stays the same for half its life, so that what fetched the picture finds it in its cache.
   */
  sign(id: string): string {
    if (this.#step === 0) return "";
    const expires = String(Math.ceil((Math.floor(this.#seconds / this.#step) + 2) * this.#step));
    return `?expires=${expires}&signature=${this.#signature(id, expires)}`;
  }

  /** Seconds for which it is good yet, not above 0 for one that has expired; undefined for none of ours. */
  secondsLeft(id: string, { expires = "", signature = "" }: Signed): number | undefined {
    const given = Buffer.from(signature);
    const ours = Buffer.from(this.#signature(id, expires));
    const isOurs = given.length === ours.length && timingSafeEqual(given, ours);
    return isOurs ? Math.floor(Number(expires) - this.#seconds) : undefined;
  }

  get #seconds(): number {
    return this.#now() / 1_000;
  }

  #signature(id: string, expires: string): string {
    const whole = createHmac("sha256", this.#secret).update(`${expires}\n${id}`).digest();
    return whole.subarray(0, signatureBytes).toString("base64url");
  }
}

/** The bytes for `--link-key`. Throws `invalid_input` for one that is easily guessed. */
export async function linkSecret(given: string): Promise<Buffer> {
  const what = "--link-key (EASEL_LINK_KEY)";
  const [text = ""] = given.startsWith("@") ? await linesOf(given.slice(1), what) : [given];
  if (text.length >= leastKey) return createHash("sha256").update(text).digest();
  throw refusal(
    `${what}: it has ${text.length} characters and is too easy to guess; take ${leastKey} or more, such as openssl rand -hex 24 prints.`,
  );
}
