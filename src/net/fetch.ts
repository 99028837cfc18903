import type { Dispatcher } from "undici";
import { AppError, cancelled, messageOf, refusal } from "../errors.ts";
import { cut, megabytes } from "../words.ts";
import { type AddressRule, guardedLookup, literalAddress, refuseAddress } from "./address.ts";
import { loadUndici } from "./undici.ts";

interface Limits {
  maxBytes: number;
  /** For everything together: lookup, redirects and body. */
  timeoutMs: number;
  /** Starts the sentence of every refusal. @default "url" */
  what?: string;
  signal?: AbortSignal | undefined;
}

export interface FetchOptions extends Limits {
  allowPrivateAddresses: boolean;
}

export interface GuardedFetchOptions extends Limits {
  rule: AddressRule;
}

export interface Fetched {
  bytes: Buffer;
  contentType: string | undefined;
  /** Where the redirects ended. */
  url: string;
}

const maxRedirects = 3;

interface Visit extends GuardedFetchOptions {
  what: string;
  dispatcher: Dispatcher;
  abort: AbortSignal;
}

/** GETs a picture from the public internet; never from an address that only this machine reaches. */
export async function fetchPublic(
  url: string,
  { allowPrivateAddresses, ...limits }: FetchOptions,
): Promise<Fetched> {
  const rule = allowPrivateAddresses ? () => undefined : refuseAddress;
  return await fetchGuarded(url, { ...limits, rule });
}

/** The same under any rule for addresses, which every redirect has to pass too. */
export async function fetchGuarded(url: string, options: GuardedFetchOptions): Promise<Fetched> {
  const what = options.what ?? "url";
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const abort = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  const lookup = guardedLookup(options.rule, (host, reason) => notPublic(what, host, reason));
  const { Agent } = await loadUndici();
  const dispatcher = new Agent({ connect: { lookup } });
  try {
    abort.throwIfAborted();
    return await follow(url, { ...options, what, dispatcher, abort });
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (options.signal?.aborted) {
      throw cancelled(`${what}: fetching ${cut(url)} was cancelled.`, error);
    }
    const reason = timeout.aborted
      ? `it took longer than ${options.timeoutMs / 1000} s`
      : cut(networkReason(error));
    throw refusal(
      `${what}: ${cut(url)} could not be fetched: ${reason}. Check the address, or send the picture as a file or base64.`,
      error,
    );
  } finally {
    await dispatcher.destroy();
  }
}

async function follow(first: string, visit: Visit): Promise<Fetched> {
  const { request } = await loadUndici();
  let url = checkedUrl(first, visit);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await request(url, {
      dispatcher: visit.dispatcher,
      signal: visit.abort,
      headers: { accept: "image/*", "accept-encoding": "identity", "user-agent": "comfy-easel" },
    });
    const location = redirectTarget(response);
    if (location === undefined) return await receive(url, response, visit);
    discard(response.body);
    const absolute = URL.canParse(location, url.href) ? new URL(location, url).href : location;
    url = checkedUrl(absolute, visit);
  }
  throw refusal(
    `${visit.what}: ${cut(first)} redirects more than ${maxRedirects} times. Give the address it ends at.`,
  );
}

function checkedUrl(value: string, { what, rule }: Visit): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw refusal(`${what}: "${cut(value)}" is not an http or https address.`);
  }
  if (url.username || url.password) {
    throw refusal(
      `${what}: an address with a user name or password in it (host ${cut(url.host)}) is not fetched. Leave them out, or send the picture as a file or base64.`,
    );
  }
  const literal = literalAddress(url.hostname);
  const reason = literal === undefined ? undefined : rule(literal);
  if (reason) throw notPublic(what, url.hostname, reason);
  return url;
}

/** Says the kind of address only: what a name resolves to inside our network is not the caller's. */
function notPublic(what: string, hostname: string, reason: string): AppError {
  return refusal(
    `${what}: host "${cut(hostname)}" is refused because it is ${reason}, and pictures are fetched from public addresses only. Send the picture as a file or base64.`,
  );
}

function redirectTarget({ statusCode, headers }: Dispatcher.ResponseData): string | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
  return [headers.location].flat()[0];
}

async function receive(
  url: URL,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { what, maxBytes }: Visit,
): Promise<Fetched> {
  const refuse = (problem: string) => {
    discard(body);
    return refusal(`${what}: ${cut(url.origin + url.pathname)} ${problem}`);
  };
  const tooLarge = `is larger than ${megabytes(maxBytes)}. Send a smaller version.`;

  if (statusCode < 200 || statusCode > 299) {
    throw refuse(
      `answered ${statusCode}. Check the address, or send the picture as a file or base64.`,
    );
  }
  const contentType = [headers["content-type"]].flat()[0];
  if (/^text\/html|^application\/xhtml/i.test(contentType ?? "")) {
    throw refuse("is an HTML page, not a picture. Give the address of the image file itself.");
  }
  if (Number(headers["content-length"] ?? 0) > maxBytes) throw refuse(tooLarge);

  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw refuse(tooLarge);
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), contentType, url: url.href };
}

function discard(body: Dispatcher.ResponseData["body"]): void {
  // Destroying an unread body emits an error that nobody waits for.
  body.on("error", () => undefined);
  body.destroy();
}

function networkReason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  if (code === undefined) return messageOf(error);
  return known[code] ?? (messageOf(error) || code);
}

const known: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no host of that name",
  EAI_AGAIN: "the name could not be looked up",
  ECONNREFUSED: "nothing is listening there",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  UND_ERR_CONNECT_TIMEOUT: "the host does not answer",
};
