import { loadUndici } from "../net/undici.ts";
import { refusalOf } from "./answer.ts";
import { ComfyUnreachableError, PromptRejectedError } from "./errors.ts";
import { type Call, ComfyHttp } from "./http.ts";
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
import { parseJson } from "./python-json.ts";
import type { ComfyTarget } from "./target.ts";

/** So that a tool can say within 3 s that nothing is there. */
const probeWithinMs = 2_500;

/** A file of ComfyUI's user, as `/userdata` lists it. */
export interface UserFile {
  /** Below the folder that was listed, with slashes. */
  path: string;
  size: number;
  /** When it was changed: milliseconds since 1970, seconds before 0.21.0. */
  modified: number;
}

export interface ClientOptions {
  /** How long ComfyUI may be silent within one answer (default 30 s). */
  silenceMs?: number | undefined;
}

/** ComfyUI's HTTP routes, one method each, through their `/api` aliases. Errors: see `ComfyHttp`. */
export class ComfyClient {
  readonly target: ComfyTarget;
  readonly #http: ComfyHttp;

  constructor(target: ComfyTarget, options: ClientOptions = {}) {
    this.target = target;
    this.#http = new ComfyHttp(target, options.silenceMs);
  }

  /** Throws `ComfyUnreachableError` within `withinMs` when this is not a ComfyUI that answers. */
  async systemStats(withinMs = probeWithinMs): Promise<SystemStats> {
    try {
      return await this.#systemStats(withinMs);
    } catch (error) {
      // llama-swap keeps answering 409 until somebody asks for the front page.
      const isAsleep = error instanceof ComfyUnreachableError && error.seen === "asleep";
      if (isAsleep) await this.#http.knock().catch(() => {});
      throw error;
    }
  }

  objectInfo(): Promise<ObjectInfo> {
    return this.#http.json("object_info", { slow: true });
  }

  /** Throws {@link PromptRejectedError} when ComfyUI refuses the graph (400). */
  async queuePrompt(request: PromptRequest, signal?: AbortSignal): Promise<PromptResponse> {
    const call: Call = { method: "POST", json: request, expect: [400], ...(signal && { signal }) };
    const answer = await this.#http.ask("prompt", call);
    if (answer.status !== 400) return this.#http.read("prompt", call, answer);
    const body = parseJson<PromptErrorResponse>(answer.body.toString("utf8"));
    if (body?.error) throw PromptRejectedError.fromResponse(body);
    throw this.#http.refusal("prompt", call, answer);
  }

  /** The keys of ComfyUI's model folders. */
  modelFolders(): Promise<string[]> {
    return this.#http.json("models");
  }

  /** The files of one, below it; undefined where there is no such folder. */
  async modelFiles(folder: string): Promise<string[] | undefined> {
    const path = `models/${encodeURIComponent(folder)}`;
    const answer = await this.#http.ask(path, { expect: [404] });
    return answer.status === 404 ? undefined : this.#http.read(path, {}, answer);
  }

  /** Names without their endings. */
  embeddings(): Promise<string[]> {
    return this.#http.json("embeddings");
  }

  queue(): Promise<QueueResponse> {
    return this.#http.json("queue");
  }

  async history(promptId: string): Promise<HistoryEntry | undefined> {
    const found = await this.#http.json<Record<string, HistoryEntry>>(`history/${promptId}`);
    return found[promptId];
  }

  /** Every entry with its graph: megabytes on a busy server. */
  wholeHistory(): Promise<Record<string, HistoryEntry>> {
    return this.#http.json("history", { slow: true });
  }

  /** Every job that is queued, runs or is remembered, without its files. Since 0.6.0. */
  async jobs(): Promise<Job[]> {
    const { jobs } = await this.#http.json<{ jobs: Job[] }>("jobs", { slow: true });
    return jobs;
  }

  /** Since 0.6.0. */
  async job(promptId: string): Promise<Job | undefined> {
    const path = `jobs/${promptId}`;
    const answer = await this.#http.ask(path, { expect: [404] });
    if (answer.status !== 404) return this.#http.read(path, {}, answer);
    // ComfyUI says {"error": "Job not found"}; an empty 404 is that of an unknown route.
    const body = parseJson<{ error?: unknown }>(answer.body.toString("utf8"));
    if (body?.error !== undefined) return undefined;
    throw this.#http.refusal(path, {}, answer);
  }

  /** Since 0.26.0. True means "signalled" or "dequeued"; a running job ends a little later. */
  async cancelJob(promptId: string): Promise<boolean> {
    const { cancelled } = await this.#http.json<{ cancelled: boolean }>(`jobs/${promptId}/cancel`, {
      method: "POST",
    });
    return cancelled;
  }

  /** Interrupts only if this prompt is the running one (since 0.3.57); the answer never tells. */
  async interrupt(promptId: string): Promise<void> {
    await this.#http.ask("interrupt", { method: "POST", json: { prompt_id: promptId } });
  }

  /** Drops a pending prompt; ids that run or are unknown are ignored without a word. */
  async deleteFromQueue(promptId: string): Promise<void> {
    await this.#http.ask("queue", { method: "POST", json: { delete: [promptId] } });
  }

  /** Gives memory back: models are unloaded and cached results dropped between two prompts. */
  async free(): Promise<void> {
    const json = { unload_models: true, free_memory: true };
    await this.#http.ask("free", { method: "POST", json });
  }

  /** As `free`, unless somebody's prompt runs or waits. */
  async freeIfIdle(): Promise<void> {
    const { queue_running, queue_pending } = await this.queue();
    if (queue_running.length + queue_pending.length === 0) await this.free();
  }

  /** Undefined when the file is not there any more. */
  async view(file: OutputFile): Promise<Buffer | undefined> {
    const query = new URLSearchParams({ filename: file.filename });
    // Some nodes leave them out, and "undefined" would be taken for a folder's name.
    if (file.subfolder) query.set("subfolder", file.subfolder);
    if (file.type) query.set("type", file.type);
    const path = `view?${query}`;
    const answer = await this.#http.ask(path, { expect: [404] });
    if (answer.status !== 404) return answer.body;
    // ComfyUI's own 404 of this route has no body.
    if (answer.body.length === 0) return undefined;
    throw this.#http.refusal(path, {}, answer);
  }

  /**
   * The `__metadata__` of a safetensors file below `models/`, keys and values as whoever wrote the
   * file chose; undefined when it has none, or a header above 1 MB (`server.py`, `view_metadata`).
   */
  async fileMetadata(
    folder: string,
    file: string,
    signal: AbortSignal,
  ): Promise<Record<string, unknown> | undefined> {
    const path = `view_metadata/${encodeURIComponent(folder)}?${new URLSearchParams({ filename: file })}`;
    const call: Call = { expect: [404], signal };
    const answer = await this.#http.ask(path, call);
    return answer.status === 404 ? undefined : this.#http.read(path, call, answer);
  }

  /** Returns the value `LoadImage.image` takes. The server may have chosen another name. */
  async uploadImage(name: string, bytes: Buffer, subfolder: string): Promise<string> {
    const { FormData } = await loadUndici();
    const data = new FormData();
    data.set("image", new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    data.set("subfolder", subfolder);
    const form = { data, bytes: bytes.length };
    const uploaded = await this.#http.json<UploadResponse>("upload/image", {
      method: "POST",
      form,
      slow: true,
    });
    return uploaded.subfolder ? `${uploaded.subfolder}/${uploaded.name}` : uploaded.name;
  }

  /** The files people saved in ComfyUI's editor; empty where nobody did. */
  async savedWorkflows(): Promise<UserFile[]> {
    const path = "userdata?dir=workflows&recurse=true&full_info=true";
    const answer = await this.#http.ask(path, { expect: [404] });
    // "Directory not found": the folder is made by the first save.
    if (answer.status === 404) return [];
    const files = this.#http.read<unknown>(path, {}, answer);
    return Array.isArray(files) ? files.filter(isUserFile) : [];
  }

  /** The text of one of them; undefined when it is gone. */
  async savedWorkflow(file: string): Promise<string | undefined> {
    // The file is one segment, and ComfyUI decodes once more where a "%" is left.
    const name = encodeURIComponent(`workflows/${file.replaceAll("%", "%25")}`);
    const answer = await this.#http.ask(`userdata/${name}`, { expect: [404] });
    return answer.status === 404 ? undefined : answer.body.toString("utf8");
  }

  /** A file of the template gallery, as text; undefined where it is not served. */
  async galleryFile(name: string): Promise<string | undefined> {
    const path = `templates/${encodeURIComponent(name)}`;
    const answer = await this.#http.ask(path, { atRoot: true, expect: [404] });
    return answer.status === 404 ? undefined : answer.body.toString("utf8");
  }

  /** The templates that node packs bring along, by pack (`app/custom_node_manager.py`). */
  async packTemplates(): Promise<unknown> {
    const answer = await this.#http.ask("workflow_templates", { expect: [404] });
    return answer.status === 404 ? {} : parseJson(answer.body.toString("utf8"));
  }

  /** One of them, as text; undefined where it is not served. */
  async packTemplate(pack: string, name: string): Promise<string | undefined> {
    const file = `${encodeURIComponent(pack)}/${encodeURIComponent(`${name}.json`)}`;
    const answer = await this.#http.ask(`workflow_templates/${file}`, { expect: [404] });
    return answer.status === 404 ? undefined : answer.body.toString("utf8");
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /** Its clock, in milliseconds since 1970 by whole seconds; undefined where a proxy takes it away. */
  async clock(withinMs = probeWithinMs): Promise<number | undefined> {
    const { date } = await this.#http.ask("system_stats", { withinMs });
    return date === undefined ? undefined : Date.parse(date);
  }

  async #systemStats(withinMs: number): Promise<SystemStats> {
    const answer = await this.#http.ask("system_stats", { withinMs });
    const stats = parseJson<SystemStats>(answer.body.toString("utf8"));
    if (stats?.system) return stats;
    const { url } = this.target;
    throw refusalOf({ url, what: "GET system_stats", sentBytes: 0 }, answer);
  }
}

function isUserFile(value: unknown): value is UserFile {
  if (typeof value !== "object" || value === null) return false;
  const { path, size, modified } = value as Record<string, unknown>;
  return typeof path === "string" && typeof size === "number" && typeof modified === "number";
}
