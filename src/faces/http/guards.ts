import { isIP } from "node:net";
import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import type { HttpEnv } from "./env.ts";
import { Refusal } from "./refusal.ts";

export interface GuardRules {
  /** Host names beside addresses and localhost; lower case, no port. */
  hosts: readonly string[];
  /** Origins of other sites whose pages may call; `https://chat.example.com`. */
  origins: readonly string[];
  /** How clients reach this server, if not by the request's own Host. */
  publicUrl?: string | undefined;
}

/** What a face has not said about itself; JSON is no page, so nothing may be loaded by it. */
export const securityHeaders: MiddlewareHandler<HttpEnv> = secureHeaders({
  overwrite: false,
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  xFrameOptions: "DENY",
  // Whether there is TLS is for the proxy to say.
  strictTransportSecurity: false,
});

/**
 * A page of another site can make its own name lead to this server (DNS rebinding), and its script
 * is then of the same origin. Such a request carries that name; it never carries an address.
 */
export function hostGuard(rules: GuardRules): MiddlewareHandler<HttpEnv> {
  const names = new Set([
    "localhost",
    ...rules.hosts,
    ...(rules.publicUrl ? [new URL(rules.publicUrl).hostname] : []),
  ]);
  return async (c, next) => {
    const host = hostOf(c);
    const name = hostname(host);
    const isKnown = name !== undefined && (isAddress(name) || names.has(name));
    if (!isKnown) {
      throw new Refusal(
        403,
        `Host: ${JSON.stringify(host.slice(0, 100))} is not a name of this server. Whoever runs it can add it with --allow-host.`,
      );
    }
    c.set("base", rules.publicUrl ?? `${new URL(c.req.url).protocol}//${host}`);
    await next();
  };
}

/** Pages of this server may call, and those of the sites that were allowed; a client that is no page names no origin. */
export function originGuard(rules: GuardRules): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const origin = c.req.header("origin");
    if (origin === undefined || isOwn(c, origin) || rules.origins.includes(origin)) return next();
    throw new Refusal(
      403,
      `Origin: pages of ${JSON.stringify(origin.slice(0, 100))} may not call this server. Whoever runs it can allow them with --allow-origin.`,
    );
  };
}

export function crossOrigin(rules: GuardRules): MiddlewareHandler<HttpEnv> {
  return cors({
    origin: (origin) => (rules.origins.includes(origin) ? origin : undefined),
    allowHeaders: [
      "Accept",
      "Api-Key",
      "Authorization",
      "Content-Type",
      "Idempotency-Key",
      "Last-Event-ID",
      "Mcp-Method",
      "Mcp-Name",
      "Mcp-Protocol-Version",
      "Mcp-Session-Id",
      "X-API-Key",
      "X-Easel-Readonly",
      "X-Easel-Tools",
    ],
    exposeHeaders: ["ETag", "Location", "Mcp-Session-Id", "Retry-After", "WWW-Authenticate"],
    maxAge: 600,
  });
}

function hostOf(c: Context<HttpEnv>): string {
  return (c.req.header("host") ?? new URL(c.req.url).host).toLowerCase();
}

/** A proxy may speak TLS for this server, so the scheme does not count. */
function isOwn(c: Context<HttpEnv>, origin: string): boolean {
  const host = URL.canParse(origin) ? new URL(origin).host : undefined;
  return host === hostOf(c) || host === new URL(c.get("base")).host;
}

/** Without port and brackets; undefined for what is no host at all. */
function hostname(host: string): string | undefined {
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, "");
}

function isAddress(name: string): boolean {
  return isIP(name) !== 0;
}
