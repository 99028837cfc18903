import type { MiddlewareHandler } from "hono";
import { type Caller, scopes } from "../../studio/caller.ts";
import type { Studio } from "../../studio/studio.ts";
import { type HttpEnv, unauthorized } from "./env.ts";
import type { Identity, KeyLimits } from "./identity.ts";
import type { Keys } from "./keys.ts";

export interface CallersParts {
  keys: Keys;
  /** Whether who has no key may call, as `local`. */
  allowAnonymous: boolean;
  /** Of callers without a key. */
  limits: KeyLimits;
  studio(caller: Caller): Studio;
  /** Where a caller fetches a picture; `base` has no slash at the end. */
  imageUrl(base: string, caller: string, imageId: string): string;
}

/** Tells who a request comes from. */
export class Callers {
  readonly #parts: CallersParts;
  readonly #anonymous: Identity;

  constructor(parts: CallersParts) {
    this.#parts = parts;
    this.#anonymous = { name: "local", scopes: new Set(scopes), limits: parts.limits };
  }

  /** Sets the caller and its studio. A wrong key is refused everywhere; without one they stay unset. */
  identify(): MiddlewareHandler<HttpEnv> {
    return async (c, next) => {
      const base = c.get("base");
      c.set("challenge", "Bearer");
      const token = tokenIn(c.req.header("authorization"), c.req.header("x-api-key"));
      const identity = await this.#identityOf(token);
      if (token !== undefined && !identity) {
        throw unauthorized(c, "This key is unknown here, or it is not valid any more.");
      }
      if (identity) {
        const caller = this.#callerFor(identity, base);
        c.set("caller", caller);
        c.set("studio", this.#parts.studio(caller));
      }
      await next();
    };
  }

  async #identityOf(token: string | undefined): Promise<Identity | undefined> {
    if (this.#parts.allowAnonymous) {
      // Some clients cannot be kept from sending a key.
      return (token && this.#parts.keys.find(token)) || this.#anonymous;
    }
    return token === undefined ? undefined : this.#parts.keys.find(token);
  }

  #callerFor({ name, scopes, limits }: Identity, base: string): Caller {
    const { imageUrl } = this.#parts;
    return {
      name,
      scopes,
      limits,
      folders: { roots: [] },
      imageUrl: (id) => imageUrl(base, name, id),
    };
  }
}

function tokenIn(authorization: string | undefined, key: string | undefined): string | undefined {
  const [, bearer] = /^Bearer +(\S+)\s*$/i.exec(authorization ?? "") ?? [];
  return bearer ?? key?.trim();
}
