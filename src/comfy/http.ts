import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import type { Agent, Dispatcher, FormData } from "undici";
import { messageOf } from "../errors.ts";
import { loadUndici } from "../net/undici.ts";
import { type Answer, type Asked, isPage, refusalOf } from "./answer.ts";
import { ComfyUnreachableError, type Unreachable } from "./errors.ts";
import { parseJson } from "./python-json.ts";
import type { ComfyTarget } from "./target.ts";
import { wholeAnswer } from "./whole-answer.ts";

/** A worker that loads a model can starve ComfyUI's HTTP loop for many seconds. */
const standardSilenceMs = 30_000;
/** Reading all model folders of a slow disk, or all history, takes its time before the first byte. */
const slowFactor = 4;

export interface Call {
  method?: "GET" | "POST";
  json?: unknown;
  form?: { data: FormData; bytes: number };
  /** Ends the request after that time, however much is on its way. */
  withinMs?: number;
  /** ComfyUI may need long before it begins to answer. */
  slow?: boolean;
  signal?: AbortSignal;
  /** A file of the front-end, which is not below `/api/`. */
  atRoot?: boolean;
  /** Statuses that are an answer of ComfyUI, unless a proxy's page comes with them. */
  expect?: readonly number[];
}

/** Connections to one ComfyUI, and how long it may be silent on them. */
interface Lines {
  agent: Agent;
  usual: Dispatcher;
  slow: Dispatcher;
}

/**
 * Asks one ComfyUI over HTTP. Whatever is not an answer of ComfyUI becomes an `AppError`:
 * `ComfyUnreachableError` when it cannot be asked now, `RequestRefusedError` when it refuses.
 * Limited is the silence between two pieces of an answer, not the length of a transfer.
 */
export class ComfyHttp {
  readonly target: ComfyTarget;
  readonly #silenceMs: number;
  #lines: Promise<Lines> | undefined;

  constructor(target: ComfyTarget, silenceMs = standardSilenceMs) {
    this.target = target;
    this.#silenceMs = silenceMs;
  }

  /** The JSON of an answer below `/api/`. */
  async json<T>(path: string, call: Call = {}): Promise<T> {
    return this.read(path, call, await this.ask(path, call));
  }

  read<T>(path: string, call: Call, answer: Answer): T {
    const value = parseJson<T>(answer.body.toString("utf8"));
    if (value === undefined || value === null) throw refusalOf(this.#asked(path, call), answer);
    return value;
  }

  /** An answer with a status of 200 to 299 or one of `call.expect`, that is no web page. */
  async ask(path: string, call: Call = {}): Promise<Answer> {
    const root = call.atRoot ? this.target.url : `${this.target.url}/api`;
    const answer = await this.#fetch(`${root}/${path}`, call);
    const { status } = answer;
    const isAnswer = (status >= 200 && status < 300) || call.expect?.includes(status);
    if (isAnswer && !isPage(answer)) return answer;
    throw refusalOf(this.#asked(path, call), answer);
  }

  /** The error for an answer that is none of ComfyUI's, though its status is expected. */
  refusal(path: string, call: Call, answer: Answer): Error {
    return refusalOf(this.#asked(path, call), answer);
  }

  /** Asks for the front page; some proxies start ComfyUI for nothing else. */
  async knock(): Promise<void> {
    await this.#fetch(`${this.target.url}/`, {});
  }

  async close(): Promise<void> {
    await (await this.#lines)?.agent.destroy();
  }

  async #open(): Promise<Lines> {
    const { Agent } = await loadUndici();
    const agent = new Agent({
      connect: { timeout: 2_000, rejectUnauthorized: !this.target.insecureTls },
      connections: 16,
      // ComfyUI (aiohttp) closes idle connections after 75 s; ours go first, so none is reused dead.
      keepAliveTimeout: 30_000,
    });
    const usual = agent.compose(silenceOf(this.#silenceMs));
    const slow = agent.compose(silenceOf(this.#silenceMs * slowFactor));
    return { agent, usual, slow };
  }

  #asked(path: string, call: Call): Asked {
    const what = `${call.method ?? "GET"} ${path.replace(/\?.*/, "")}`;
    const sentBytes =
      call.form?.bytes ?? (call.json === undefined ? 0 : JSON.stringify(call.json).length);
    return { url: this.target.url, what, sentBytes };
  }

  async #fetch(url: string, call: Call): Promise<Answer> {
    const { method = "GET" } = call;
    const signal = signalOf(call);
    const { origin, pathname, search } = new URL(url);
    this.#lines ??= this.#open();
    const { usual, slow } = await this.#lines;
    const ask = async (): Promise<Answer> => {
      const { status, headers, body } = await wholeAnswer(
        call.slow ? slow : usual,
        {
          ...{ origin, path: pathname + search, method },
          headers: {
            ...usualHeaders,
            ...this.target.headers,
            ...(call.json === undefined ? {} : { "content-type": "application/json" }),
          },
          body: call.json === undefined ? (call.form?.data ?? null) : JSON.stringify(call.json),
        },
        signal,
      );
      return {
        status,
        contentType: single(headers["content-type"]) ?? "",
        date: single(headers["date"]),
        body: await unpacked(body, single(headers["content-encoding"])),
      };
    };
    try {
      return await ask();
    } catch (error) {
      // A kept connection dies with the ComfyUI it led to, and only its next use shows it.
      const again = method === "GET" && cuts.has(codeOf(error));
      if (!again) throw unreachable(this.target.url, error);
    }
    return ask().catch((error) => {
      throw unreachable(this.target.url, error);
    });
  }
}

/** Large lists come compressed from a ComfyUI with `--enable-compress-response-body`. */
const usualHeaders = {
  accept: "*/*",
  "accept-encoding": "gzip, deflate",
  "user-agent": "comfy-easel",
};

function signalOf({ signal, withinMs }: Call): AbortSignal | undefined {
  if (withinMs === undefined) return signal;
  const over = AbortSignal.timeout(withinMs);
  return signal ? AbortSignal.any([signal, over]) : over;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** What is said to be packed and cannot be unpacked is no answer of ComfyUI. */
function unpacked(bytes: Buffer, encoding: string | undefined): Buffer | Promise<Buffer> {
  if (bytes.length === 0) return bytes;
  if (encoding === "gzip") return promisify(gunzip)(bytes);
  if (encoding === "deflate") return promisify(inflate)(bytes);
  return bytes;
}

function silenceOf(ms: number): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch({ ...options, headersTimeout: ms, bodyTimeout: ms }, handler);
}

/** A connection cut inside the body is as unreachable as one refused before it. */
function unreachable(url: string, error: unknown): ComfyUnreachableError {
  const code = codeOf(error);
  return new ComfyUnreachableError(url, seenBy(code), words[code] ?? code, { cause: error });
}

function codeOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "the request timed out";
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : messageOf(error);
}

const cuts = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

const words: Record<string, string> = {
  UND_ERR_SOCKET: "the connection was cut",
  UND_ERR_HEADERS_TIMEOUT: "the request timed out",
  UND_ERR_BODY_TIMEOUT: "its answer stopped in the middle",
};

function seenBy(code: string): Unreachable {
  if (code.startsWith("HPE_") || /SSL|CERT|TLS/.test(code)) return "not_comfyui";
  return nowhere.has(code) ? "nothing_there" : "no_answer";
}

const nowhere = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
]);
