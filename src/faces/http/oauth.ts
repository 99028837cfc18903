import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import { messageOf } from "../../errors.ts";
import { scopes, scopesWithImplied } from "../../studio/caller.ts";
import type { Identity, KeyLimits } from "./identity.ts";
import { Refusal } from "./refusal.ts";

export interface OAuthRules {
  issuer: string;
  audience: string;
}

const askMs = 5_000;
const metadata = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Access tokens of one issuer. Its keys are asked for when the first token comes, then kept. */
export class OAuth {
  readonly rules: OAuthRules;
  readonly #limits: KeyLimits;
  #keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(rules: OAuthRules, limits: KeyLimits) {
    this.rules = rules;
    this.#limits = limits;
  }

  /** Undefined for what is no valid token of the issuer for us. Throws a 503 while it cannot be asked. */
  async identityOf(token: string): Promise<Identity | undefined> {
    if (token.split(".").length !== 3) return undefined;
    const keys = await this.#issuerKeys();
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...this.rules,
        // An issuer's HMAC secret is not for us to know, so such a token is somebody's forgery.
        algorithms: [
          "RS256",
          "RS384",
          "RS512",
          "PS256",
          "PS384",
          "PS512",
          "ES256",
          "ES384",
          "ES512",
          "EdDSA",
        ],
        requiredClaims: ["exp", "sub"],
      });
      const given = scopesIn(payload);
      return {
        // No key has a name with a slash.
        name: `oauth/${String(payload.sub).slice(0, 255)}`,
        scopes: scopesWithImplied(scopes.filter((scope) => given.includes(scope))),
        limits: this.#limits,
      };
    } catch (error) {
      if (isOfToken(error)) return undefined;
      throw unavailable(error);
    }
  }

  async #issuerKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= discover(this.rules.issuer);
    try {
      return await this.#keys;
    } catch (error) {
      this.#keys = undefined;
      throw unavailable(error);
    }
  }
}

/** RFC 8414, then what OpenID Connect has, whose path comes after the issuer's own. */
async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, "");
  const places = [
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
    `${url.origin}${path}/.well-known/openid-configuration`,
  ];
  for (const place of places) {
    const answer = await fetch(place, { signal: AbortSignal.timeout(askMs) });
    if (!answer.ok) continue;
    const found = metadata.parse(await answer.json());
    if (found.issuer !== issuer) {
      throw new Error(`${place} is of another issuer, ${found.issuer}`);
    }
    return createRemoteJWKSet(new URL(found.jwks_uri), { timeoutDuration: askMs });
  }
  throw new Error(`${issuer} has no metadata`);
}

/** `scope` is of RFC 8693; `scp` is what some issuers call it. */
function scopesIn({ scope, scp }: JWTPayload): string[] {
  const given = scope ?? scp;
  if (Array.isArray(given)) return given.map(String);
  return typeof given === "string" ? given.split(" ") : [];
}

function unavailable(error: unknown): Refusal {
  return new Refusal(
    503,
    `The issuer of access tokens cannot be asked for its keys now (${messageOf(error)}). Try again.`,
    { "Retry-After": "10" },
    { cause: error },
  );
}

/** False for what went wrong with asking for the keys. */
function isOfToken(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout) return false;
  return error.code !== "ERR_JOSE_GENERIC";
}

/** Who gives tokens for this server (RFC 9728). */
export function resourceMetadata({ issuer }: OAuthRules, base: string): Record<string, unknown> {
  return {
    resource: `${base}/mcp`,
    authorization_servers: [issuer],
    scopes_supported: scopes,
    bearer_methods_supported: ["header"],
    resource_name: "comfy-easel",
  };
}
