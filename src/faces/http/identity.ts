import type { Limits, Scope } from "../../studio/caller.ts";

export interface KeyLimits extends Limits {
  requestsPerMinute?: number | undefined;
}

/** Whom a key or a token stands for. */
export interface Identity {
  name: string;
  scopes: ReadonlySet<Scope>;
  limits: KeyLimits;
}
