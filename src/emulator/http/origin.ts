import type { IncomingHttpHeaders } from "node:http";

/** ComfyUI's guard against pages of other sites; looks at Origin only for loopback hosts. */
export function isForeign(headers: IncomingHttpHeaders): boolean {
  if (headers["sec-fetch-site"] === "cross-site") return true;
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
