import { Agent, FormData, fetch, type RequestInit, type Response } from "undici";
import { messageOf } from "../errors.ts";
import { ComfyUnreachableError, PromptRejectedError, type Unreachable } from "./errors.ts";
import type {
  HistoryEntry,
  Job,
  ObjectInfo,
  OutputFile,
  PromptErrorResponse,
  PromptRequest,
  PromptResponse,
  QueueResponse,
  SystemStats,
  UploadResponse,
} from "./protocol.ts";
import type { ComfyTarget } from "./target.ts";

/** So that a tool can say within 3 s that nothing is there. */
const probeTimeoutMs = 2_500;
/** A worker that loads a model can starve ComfyUI's HTTP loop for many seconds. */
const requestTimeoutMs = 30_000;
/** A full picture over a slow line. */
const transferTimeoutMs = 120_000;

/** The answer is not one this route gives; the message is ours, the status is theirs. */
export class UnexpectedAnswerError extends Error {
  override name = "UnexpectedAnswerError";
  readonly status: number;

  constructor(what: string, status: number) {
    super(`ComfyUI answered ${status} to ${what}`);
    this.status = status;
  }
}

interface Call {
  method?: "GET" | "POST";
  json?: unknown;
  form?: FormData;
  timeoutMs?: number;
}

/** ComfyUI's HTTP routes, one method each, through their `/api` aliases. */
export class ComfyClient {
  readonly target: ComfyTarget;
  readonly #agent: Agent;

  constructor(target: ComfyTarget) {
    this.target = target;
    this.#agent = new Agent({
      connect: { timeout: 2_000, rejectUnauthorized: !target.insecureTls },
      connections: 16,
      // ComfyUI (aiohttp) closes idle connections after 75 s; ours go first, so none is reused dead.
      keepAliveTimeout: 30_000,
    });
  }

  async systemStats(): Promise<SystemStats> {
    const response = await this.#call("system_stats", { timeoutMs: probeTimeoutMs });
    const text = await this.#body(response.text());
    const stats = parse<SystemStats>(text);
    if (!response.ok || !stats?.system) {
      const seen = response.ok ? `it sent ${describeBody(text)}` : `status ${response.status}`;
      throw new ComfyUnreachableError(this.target.url, "not_comfyui", seen);
    }
    return stats;
  }

  objectInfo(): Promise<ObjectInfo> {
    return this.#json("object_info", { timeoutMs: transferTimeoutMs });
  }

  /** Throws {@link PromptRejectedError} when ComfyUI refuses the graph (400). */
  async queuePrompt(request: PromptRequest): Promise<PromptResponse> {
    const response = await this.#call("prompt", { method: "POST", json: request });
    if (response.status === 400) {
      const body = parse<PromptErrorResponse>(await this.#body(response.text()));
      if (body?.error) throw PromptRejectedError.fromResponse(body);
    }
    return this.#read(response, "POST prompt");
  }

  queue(): Promise<QueueResponse> {
    return this.#json("queue");
  }

  async history(promptId: string): Promise<HistoryEntry | undefined> {
    const found = await this.#json<Record<string, HistoryEntry>>(`history/${promptId}`);
    return found[promptId];
  }

  /** Every entry with its graph: megabytes on a busy server. */
  wholeHistory(): Promise<Record<string, HistoryEntry>> {
    return this.#json("history", { timeoutMs: transferTimeoutMs });
  }

  /** Every job that is queued, runs or is remembered, without its files. Since 0.6.0. */
  async jobs(): Promise<Job[]> {
    const { jobs } = await this.#json<{ jobs: Job[] }>("jobs", { timeoutMs: transferTimeoutMs });
    return jobs;
  }

  /** Since 0.6.0. */
  async job(promptId: string): Promise<Job | undefined> {
    const response = await this.#call(`jobs/${promptId}`);
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    return this.#read(response, "GET jobs");
  }

  /** Since 0.26.0. True means "signalled" or "dequeued"; a running job ends a little later. */
  async cancelJob(promptId: string): Promise<boolean> {
    const { cancelled } = await this.#json<{ cancelled: boolean }>(`jobs/${promptId}/cancel`, {
      method: "POST",
    });
    return cancelled;
  }

  /** Interrupts only if this prompt is the running one (since 0.3.57); the answer never tells. */
  async interrupt(promptId: string): Promise<void> {
    await this.#empty("interrupt", { prompt_id: promptId });
  }

  /** Drops a pending prompt; ids that run or are unknown are ignored without a word. */
  async deleteFromQueue(promptId: string): Promise<void> {
    await this.#empty("queue", { delete: [promptId] });
  }

  /** Undefined when the file is not there any more. */
  async view(file: OutputFile): Promise<Buffer | undefined> {
    const query = new URLSearchParams({
      filename: file.filename,
      subfolder: file.subfolder,
      type: file.type,
    });
    const response = await this.#call(`view?${query}`, { timeoutMs: transferTimeoutMs });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new UnexpectedAnswerError(`GET view of ${file.filename}`, response.status);
    }
    return Buffer.from(await this.#body(response.arrayBuffer()));
  }

  /** Returns the value `LoadImage.image` takes. The server may have chosen another name. */
  async uploadImage(name: string, bytes: Buffer, subfolder: string): Promise<string> {
    const form = new FormData();
    form.set("image", new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    form.set("subfolder", subfolder);
    const uploaded = await this.#json<UploadResponse>("upload/image", {
      method: "POST",
      form,
      timeoutMs: transferTimeoutMs,
    });
    return uploaded.subfolder ? `${uploaded.subfolder}/${uploaded.name}` : uploaded.name;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #json<T>(path: string, call: Call = {}): Promise<T> {
    return this.#read(await this.#call(path, call), `${call.method ?? "GET"} ${path}`);
  }

  async #empty(path: string, json: unknown): Promise<void> {
    const response = await this.#call(path, { method: "POST", json });
    await response.body?.cancel();
    if (!response.ok) throw new UnexpectedAnswerError(`POST ${path}`, response.status);
  }

  async #read<T>(response: Response, what: string): Promise<T> {
    const text = await this.#body(response.text());
    const value = response.ok ? parse<T>(text) : undefined;
    if (value === undefined) throw new UnexpectedAnswerError(what, response.status);
    return value;
  }

  /** A connection cut inside the body is as unreachable as one refused before it. */
  #body<T>(reading: Promise<T>): Promise<T> {
    return reading.catch((error) => {
      throw unreachable(this.target.url, error);
    });
  }

  async #call(path: string, call: Call = {}): Promise<Response> {
    const init: RequestInit = {
      method: call.method ?? "GET",
      headers: {
        ...this.target.headers,
        ...(call.json === undefined ? {} : { "content-type": "application/json" }),
      },
      dispatcher: this.#agent,
      redirect: "manual",
      signal: AbortSignal.timeout(call.timeoutMs ?? requestTimeoutMs),
    };
    if (call.json !== undefined) init.body = JSON.stringify(call.json);
    if (call.form) init.body = call.form;
    const response = await fetch(`${this.target.url}/api/${path}`, init).catch((error) => {
      throw unreachable(this.target.url, error);
    });
    // 520 to 530 are Cloudflare's words for a server behind it that does not answer.
    const { status } = response;
    const refusal = status >= 520 && status <= 530 ? "bad_gateway" : refusals[status];
    if (refusal) {
      await response.body?.cancel();
      const redirect = response.status < 400 ? ", a redirect as log-in pages send" : "";
      throw new ComfyUnreachableError(
        this.target.url,
        refusal,
        `status ${response.status}${redirect}`,
      );
    }
    return response;
  }
}

const refusals: Record<number, Unreachable> = {
  301: "not_comfyui",
  302: "not_comfyui",
  307: "not_comfyui",
  308: "not_comfyui",
  401: "refused_credentials",
  403: "refused_credentials",
  407: "refused_credentials",
  429: "no_answer",
  502: "bad_gateway",
  503: "bad_gateway",
  504: "bad_gateway",
};

function unreachable(url: string, error: unknown): ComfyUnreachableError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const timedOut = error instanceof Error && error.name === "TimeoutError";
  const code = timedOut
    ? "the request timed out"
    : ((cause as { code?: string }).code ?? messageOf(cause));
  return new ComfyUnreachableError(url, seenBy(code), code, { cause: error });
}

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

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function describeBody(text: string): string {
  if (/^\s*</.test(text)) return "an HTML page";
  return text.trim() === "" ? "an empty answer" : "something other than its system_stats";
}
