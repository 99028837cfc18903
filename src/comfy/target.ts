import { AppError } from "../errors.ts";

/** Where one ComfyUI is and what every request to it carries. */
export interface ComfyTarget {
  /** Without credentials and without a trailing slash; safe to show. */
  url: string;
  headers: Record<string, string>;
  /** What tasks are recorded under instead of the URL, where that is another at every start. */
  name?: string;
  /** Accept any TLS certificate (self-signed proxies). */
  insecureTls: boolean;
  /** How fast it is beside the others, until its times are learnt (default 1). */
  weight?: number;
  /** The operator's own words for it. */
  labels?: Readonly<Record<string, string>>;
}

/** What tasks are recorded under. */
export function nameOf({ name, url }: ComfyTarget): string {
  return name ?? url;
}

/** This machine, its network, or a name that only they know. */
const near =
  /^(localhost|[^.:]+|[^:]+\.local|127\..*|10\..*|192\.168\..*|172\.(1[6-9]|2\d|3[01])\..*|\[(::1|f[cd].*)\])$/i;

/**
 * Whether it is ComfyUI's own address, so that asking it can start nothing: a proxy that starts
 * ComfyUI when it is wanted stands at a prefix, behind TLS, or asks for credentials.
 */
export function isPlain({ url, headers }: ComfyTarget): boolean {
  const { protocol, hostname, pathname } = new URL(url);
  const isBare = pathname === "/" && Object.keys(headers).length === 0;
  return protocol === "http:" && isBare && near.test(hostname);
}

/**
 * Reads `--comfyui-url`: http(s), optional path prefix, optional `user:password@` which becomes
 * Basic auth. Without a scheme it is http, and 0.0.0.0 is this machine. `headers` are "Name: value"
 * lines; `label` is what messages call both.
 */
export function parseTarget(
  url: string,
  headers: readonly string[] = [],
  insecureTls = false,
  label = { url: "--comfyui-url (COMFYUI_URL)", headers: "--comfyui-header (COMFYUI_HEADER)" },
): ComfyTarget {
  const parsed = parseUrl(url, label.url);
  const target: ComfyTarget = { url: "", headers: {}, insecureTls };
  if (parsed.username || parsed.password) {
    const pair = `${decoded(parsed.username)}:${decoded(parsed.password)}`;
    target.headers["authorization"] = `Basic ${Buffer.from(pair).toString("base64")}`;
    parsed.username = "";
    parsed.password = "";
  }
  for (const line of headers) {
    const [, name, value] = /^\s*([A-Za-z0-9-]+)\s*:\s*(.+?)\s*$/.exec(line) ?? [];
    if (!name || !value) {
      throw new AppError(
        "invalid_input",
        `${label.headers}: expected "Name: value", got ${JSON.stringify(line.slice(0, 20))}`,
      );
    }
    target.headers[name.toLowerCase()] = value;
  }
  target.url = `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, "");
  return target;
}

/** A lone "%" in a password is meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseUrl(url: string, label: string): URL {
  try {
    const parsed = new URL(/^[a-z]+:\/\//i.test(url) ? url : `http://${url}`);
    if (parsed.protocol === "http:" || parsed.protocol === "https:") return reachable(parsed);
  } catch {
    // Falls through to the one message below.
  }
  throw new AppError(
    "invalid_input",
    `${label}: expected http://host:port or https://host/prefix, got "${url.replace(/\/\/[^@/]*@/, "//…@")}"`,
  );
}

/** What ComfyUI prints as its address is where it listens; from here that is this machine. */
function reachable(url: URL): URL {
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  return url;
}
