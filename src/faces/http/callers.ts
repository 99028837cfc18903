import type { MiddlewareHandler } from "hono";
import { type Caller, scopes } from "../../studio/caller.ts";
import type { Studio } from "../../studio/studio.ts";
import { type HttpEnv, unauthorized } from "./env.ts";
import type { Identity, KeyLimits } from "./identity.ts";
import type { Keys } from "./keys.ts";
import type { OAuth } from "./oauth.ts";
import { Concurrency, RateLimit } from "./rate.ts";

export interface CallersParts {
  keys: Keys;
  oauth?: OAuth | undefined;
  /** How many requests of one caller are answered at once. */
  requestsAtOnce: number;
  /** Whether who has no key may call, as `local`. */
  allowAnonymous: boolean;
  /** Of callers without a key. */
  limits: KeyLimits;
  studio(caller: Caller): Studio;
  /** Where a picture can be fetched; `base` has no slash at the end. */
  imageUrl(base: string, imageId: string): string;
}

/** Whoever calls where no key is needed. */
export const anonymousName = "local";

/** Tells who a request comes from. */
export class Callers {
  readonly #parts: CallersParts;
  readonly #anonymous: Identity;
  readonly #rate = new RateLimit();
  readonly #concurrency: Concurrency;

  constructor(parts: CallersParts) {
    this.#parts = parts;
    this.#concurrency = new Concurrency(parts.requestsAtOnce);
    this.#anonymous = { name: anonymousName, scopes: new Set(scopes), limits: parts.limits };
  }

  /** Sets the caller and its studio. A wrong key is refused everywhere; without one they stay unset. */
  identify(): MiddlewareHandler<HttpEnv> {
    return async (c, next) => {
      const base = c.get("base");
      c.set("challenge", this.#challenge(base));
      // The second is how clients of Azure's OpenAI send theirs.
      const key = c.req.header("x-api-key") ?? c.req.header("api-key");
      const token = tokenIn(c.req.header("authorization"), key);
      const identity = await this.#identityOf(token);
      if (token !== undefined && !identity) {
        throw unauthorized(c, "This key is unknown here, or it is not valid any more.");
      }
      if (!identity) return next();
      const caller = this.#callerFor(identity, base);
      c.set("caller", caller);
      c.set("studio", this.#parts.studio(caller));
      const { requestsPerMinute } = identity.limits;
      if (requestsPerMinute !== undefined)
        this.#rate.take(`The key ${identity.name}`, requestsPerMinute);
      const leave = this.#concurrency.enter(identity.name);
      const { outgoing } = c.env ?? {};
      // An answer that is a stream goes on long after it has been handed over.
      outgoing?.once("close", leave);
      try {
        await next();
      } finally {
        if (!outgoing) leave();
      }
    };
  }

  async #identityOf(token: string | undefined): Promise<Identity | undefined> {
    const { keys, oauth, allowAnonymous } = this.#parts;
    const known = token === undefined ? undefined : keys.find(token);
    // Some clients cannot be kept from sending a key, whatever it is.
    if (known || allowAnonymous) return known ?? this.#anonymous;
    return token === undefined ? undefined : oauth?.identityOf(token);
  }

  #challenge(base: string): string {
    if (!this.#parts.oauth) return "Bearer";
    return `Bearer resource_metadata="${base}/.well-known/oauth-protected-resource/mcp"`;
  }

  #callerFor({ name, scopes, limits }: Identity, base: string): Caller {
    const { imageUrl } = this.#parts;
    return {
      name,
      scopes,
      limits,
      folders: { roots: [] },
      imageUrl: (id) => imageUrl(base, id),
    };
  }
}

/** With Basic, which some clients are limited to, the password is the key and the user says nothing. */
function tokenIn(authorization: string | undefined, key: string | undefined): string | undefined {
  const [, scheme, value] = /^(Bearer|Basic) +(\S+)\s*$/i.exec(authorization ?? "") ?? [];
  if (scheme === undefined || value === undefined) return key?.trim();
  if (scheme.toLowerCase() === "bearer") return value;
  return Buffer.from(value, "base64")
    .toString("utf8")
    .replace(/^[^:]*:/, "");
}
