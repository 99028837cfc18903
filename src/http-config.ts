import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { amount, type Given, isOn, optionalAmount, refused } from "./config-values.ts";
import { refusal } from "./errors.ts";
import { type OptionName, optionLabel } from "./options.ts";

/** The options that give one face a port of its own. */
export const portOptions = ["fooocusPort", "visionatrixPort", "comfyuiPort", "a1111Port"] as const;

export type PortOption = (typeof portOptions)[number];

export interface HttpConfig {
  host: string;
  port: number;
  ownPorts: Partial<Record<PortOption, number>>;
  /** As given; their files are not read yet. */
  authTokens: readonly string[];
  oauth: { issuer: string; audience: string } | undefined;
  /** Whether who has no key may do everything. */
  allowAnonymous: boolean;
  /** Without a slash at the end. */
  publicUrl: string | undefined;
  hosts: readonly string[];
  origins: readonly string[];
  requestsPerMinute: number;
  tasksAtOnce: number | undefined;
  keptGb: number | undefined;
  maxSessions: number;
  sessionIdleSeconds: number;
  /** How long a link to a picture needs no key, at most; with 0 it always does. */
  linkMinutes: number;
  /** What links are signed with, or @FILE; undefined for what the data folder keeps. */
  linkKey: string | undefined;
}

/** Throws `invalid_input`: also for an address that everybody reaches and nobody needs a key for. */
export function readHttp(given: Given): HttpConfig {
  const one = (name: OptionName) => given[name]?.at(-1);
  const host = one("host") ?? "127.0.0.1";
  const authTokens = given.authToken ?? [];
  const publicUrl = urlIn("publicUrl", one("publicUrl"));
  const oauth = oauthIn(given, publicUrl);
  const hasKeys = authTokens.length > 0 || oauth !== undefined;
  const isOpen = isOn("allowAnonymous", one("allowAnonymous"));
  if (!hasKeys && !isOpen && !isLoopback(host)) {
    throw refusal(
      `${optionLabel("host")}: at ${host} everybody who reaches this machine could make and delete pictures. Give a key with ${optionLabel("authToken")}, or say ${optionLabel("allowAnonymous")} if that is meant.`,
    );
  }
  return {
    host,
    port: wholeIn("port", one("port") ?? "8488", 65_535),
    ownPorts: portsIn(given),
    authTokens,
    oauth,
    allowAnonymous: isOpen || !hasKeys,
    publicUrl,
    hosts: (given.allowHost ?? []).map((name) => hostIn(name)),
    origins: (given.allowOrigin ?? []).map((origin) => originIn(origin)),
    requestsPerMinute: amount("rateLimit", one("rateLimit") ?? "1200", 1e6),
    tasksAtOnce: optionalAmount("maxTasks", one("maxTasks")),
    keptGb: optionalAmount("maxKeptGb", one("maxKeptGb")),
    maxSessions: wholeIn("maxSessions", one("maxSessions") ?? "1000", 100_000),
    sessionIdleSeconds: amount("sessionIdle", one("sessionIdle") ?? "1800", 7 * 86_400),
    linkMinutes: amount("linkMinutes", one("linkMinutes") ?? "1440", 366 * 1_440),
    linkKey: one("linkKey"),
  };
}

function portsIn(given: Given): HttpConfig["ownPorts"] {
  const ports: HttpConfig["ownPorts"] = {};
  for (const option of portOptions) {
    const value = given[option]?.at(-1);
    if (value !== undefined) ports[option] = wholeIn(option, value, 65_535);
  }
  return ports;
}

function oauthIn(given: Given, publicUrl: string | undefined): HttpConfig["oauth"] {
  const text = given.oauthIssuer?.at(-1);
  if (text === undefined) return undefined;
  urlIn("oauthIssuer", text);
  const audience = given.oauthAudience?.at(-1) ?? (publicUrl && `${publicUrl}/mcp`);
  // A token for somebody else must not open this server.
  if (audience) return { issuer: text, audience };
  throw refusal(
    `${optionLabel("oauthIssuer")}: whom its tokens are for must be known too. Give ${optionLabel("oauthAudience")} or ${optionLabel("publicUrl")}.`,
  );
}

function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  return isIP(host) !== 0 && ipaddr.process(host).range() === "loopback";
}

function urlIn(name: OptionName, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.hash) {
    return value.replace(/\/+$/, "");
  }
  throw refused(name, value, "a URL that begins with http:// or https://");
}

function hostIn(value: string): string {
  const name = value.trim().toLowerCase();
  if (/^[\w.-]+$/.test(name)) return name;
  throw refused("allowHost", value, "a host name without a port");
}

function originIn(value: string): string {
  const text = value.trim().replace(/\/$/, "").toLowerCase();
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  throw refused("allowOrigin", value, "an origin such as https://chat.example.com");
}

function wholeIn(name: OptionName, value: string, most: number): number {
  const number = amount(name, value, most);
  if (Number.isInteger(number)) return number;
  throw refused(name, value, `a whole number from 0 to ${most}`);
}
