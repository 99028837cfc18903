import { randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Caller, Scope } from "../../studio/caller.ts";
import type { Studio } from "../../studio/studio.ts";
import type { HttpEnv } from "./env.ts";
import type { Links } from "./links.ts";
import { RateLimit } from "./rate.ts";
import { Refusal } from "./refusal.ts";

export interface SignedParts {
  links: Links;
  studio(caller: Caller): Studio;
  /** That one link answers. */
  requestsPerMinute: number;
}

/**
 * Who has no key sees the one picture that its link was signed for. To a signature that is none of
 * ours every picture is unknown.
 */
export function signed({
  links,
  studio,
  requestsPerMinute,
}: SignedParts): MiddlewareHandler<HttpEnv> {
  const rate = new RateLimit();
  const everybody = studio(reader("links", ["read", "admin"]));
  // No task is of that name.
  const nobody = studio(reader(randomUUID(), ["read"]));
  return async (c, next) => {
    const { expires, signature } = c.req.query();
    if (signature === undefined || c.get("studio")) return next();
    const id = c.req.param("id") ?? "";
    const secondsLeft = links.secondsLeft(id, { expires, signature });
    if (secondsLeft === undefined) {
      c.set("studio", nobody);
      return next();
    }
    rate.take("This link", requestsPerMinute, id);
    if (secondsLeft <= 0) {
      throw new Refusal(
        403,
        "This link has expired. The task of the picture names a new one: ask for it again, or send a key.",
      );
    }
    c.set("studio", everybody);
    await next();
    // Pages of other sites may show what they have the link to.
    c.header("Cross-Origin-Resource-Policy", "cross-origin");
    if (c.res.ok || c.res.status === 304) {
      c.header("Cache-Control", `private, max-age=${secondsLeft}, immutable`);
    }
  };
}

function reader(name: string, scopes: readonly Scope[]): Caller {
  return { name, scopes: new Set(scopes), folders: { roots: [] } };
}
