import type { IncomingHttpHeaders } from "node:http";
import { atLeast } from "../../as-comfyui/version.ts";

/**
 * ComfyUI's guard against pages of other sites; looks at Origin only for loopback hosts, and at
 * what the browser itself says of the site since 0.19.0.
 */
export function isForeign(headers: IncomingHttpHeaders, version: string): boolean {
  if (headers["sec-fetch-site"] === "cross-site" && atLeast(version, "0.19.0")) return true;
  const { host, origin } = headers;
  if (!host || !origin) return false;
  const own = netloc(`http://${host}`);
  const asking = netloc(origin);
  if (!own || !asking || !isLoopback(own.name)) return false;
  const comparePorts = own.port !== "" && asking.port !== "";
  return own.name !== asking.name || (comparePorts && own.port !== asking.port);
}

function netloc(url: string): { name: string; port: string } | undefined {
  const match = /^[a-z]+:\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?/i.exec(url);
  return match?.[1] ? { name: match[1].toLowerCase(), port: match[2] ?? "" } : undefined;
}

function isLoopback(name: string): boolean {
  return name === "localhost" || name === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(name);
}
