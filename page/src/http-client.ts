import {
  type Client,
  type NewTask,
  type PictureOptions,
  Refused,
  type TaskQuery,
  Unreachable,
} from "./client.ts";
import { chunksOf, readEventStream } from "./event-stream.ts";
import type {
  BackendRecord,
  Deletion,
  ErrorRecord,
  Me,
  PictureRecord,
  StudioEvent,
  Style,
  Task,
  TaskPage,
  Tool,
  Upload,
  Workflows,
} from "./records.ts";

const mostPicturesHeld = 300;

export interface HttpOptions {
  /** Where the server is; the page's own origin as `""`. */
  base?: string;
  key?: string | undefined;
  fetch?: typeof fetch;
}

/** The studio over REST. */
export class HttpClient implements Client {
  key: string | undefined;
  readonly #base: string;
  readonly #fetch: typeof fetch;
  #lastEventId: string | undefined;
  /** Pictures fetched with a key, newest last. */
  readonly #held = new Map<string, Promise<string>>();

  constructor({ base = "", key, fetch: fetcher = fetch.bind(globalThis) }: HttpOptions = {}) {
    this.#base = base;
    this.#fetch = fetcher;
    this.key = key;
  }

  me(): Promise<Me> {
    return this.#get("/api/v1/me");
  }

  async tools(): Promise<Tool[]> {
    return (await this.#get<{ tools: Tool[] }>("/api/v1/tools")).tools;
  }

  workflows(): Promise<Workflows> {
    return this.#get("/api/v1/workflows");
  }

  async styles(): Promise<Style[]> {
    return (await this.#get<{ styles: Style[] }>("/api/v1/styles")).styles;
  }

  async loras(): Promise<string[]> {
    const { loras } = await this.#get<{ loras: { name: string }[] }>("/api/v1/loras");
    return loras.map(({ name }) => name);
  }

  async models(): Promise<{ name: string; workflows?: string[] }[]> {
    return (await this.#get<{ models: { name: string; workflows?: string[] }[] }>("/api/v1/models"))
      .models;
  }

  async backends(): Promise<BackendRecord[]> {
    return (await this.#get<{ backends: BackendRecord[] }>("/api/v1/backends")).backends;
  }

  async submit(task: NewTask): Promise<Task> {
    const answer = await this.#send("POST", "/api/v1/tasks", task, {
      "Idempotency-Key": randomName(),
    });
    return ((await answer.json()) as { task: Task }).task;
  }

  tasks(query: TaskQuery): Promise<TaskPage> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== "") search.set(name, String(value));
    }
    return this.#get(`/api/v1/tasks?${search}`);
  }

  async task(id: string): Promise<Task> {
    return (await this.#get<{ task: Task }>(`/api/v1/tasks/${encodeURIComponent(id)}`)).task;
  }

  async cancel(id: string): Promise<string> {
    const answer = await this.#send("POST", `/api/v1/tasks/${encodeURIComponent(id)}/cancel`, {});
    return ((await answer.json()) as { message: string }).message;
  }

  async remove(ids: readonly string[], dryRun = false): Promise<Deletion> {
    const answer = await this.#ask("/api/v1/tasks/delete", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ filter: { ids }, dry_run: dryRun }),
      // A deletion that was waiting is sent when the page goes.
      keepalive: true,
    });
    return (await answer.json()) as Deletion;
  }

  async *events(signal: AbortSignal): AsyncGenerator<StudioEvent> {
    const answer = await this.#ask("/api/v1/events", {
      signal,
      headers: {
        Accept: "text/event-stream",
        ...(this.#lastEventId !== undefined && { "Last-Event-ID": this.#lastEventId }),
      },
    });
    if (!answer.body) return;
    yield { event: "open" };
    for await (const { event, data, id } of readEventStream(chunksOf(answer.body))) {
      if (id !== undefined) this.#lastEventId = id;
      yield { ...JSON.parse(data), event } as StudioEvent;
    }
  }

  async upload(picture: Blob): Promise<Upload> {
    const answer = await this.#ask("/api/v1/uploads", {
      method: "POST",
      headers: { "Content-Type": picture.type || "application/octet-stream" },
      body: picture,
    });
    return (await answer.json()) as Upload;
  }

  picture(id: string, { width, download }: PictureOptions = {}): string | Promise<string> {
    const search = new URLSearchParams();
    if (width !== undefined) {
      search.set("format", "webp");
      search.set("width", String(width));
    }
    if (download) search.set("download", "1");
    const path = `/files/images/${encodeURIComponent(id)}${search.size > 0 ? `?${search}` : ""}`;
    return this.key === undefined ? this.#base + path : this.#hold(path);
  }

  media({ id, url }: PictureRecord): string | Promise<string> {
    const path = `/files/images/${encodeURIComponent(id)}`;
    if (this.key === undefined) return this.#base + path;
    // A player sends no key, but its link is signed.
    const signature = url ? new URL(url).search : "";
    return signature === "" ? this.#hold(path) : this.#base + path + signature;
  }

  async preview(taskId: string, frame: number): Promise<Blob | undefined> {
    const path = `/api/v1/tasks/${encodeURIComponent(taskId)}/preview?frame=${frame}`;
    try {
      const answer = await this.#ask(path);
      return answer.status === 204 ? undefined : await answer.blob();
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return undefined;
      throw error;
    }
  }

  /** `<img>` sends no key, so the page fetches the bytes and gives it an address for them. */
  #hold(path: string): Promise<string> {
    const held = this.#held.get(path) ?? this.#objectUrl(path);
    this.#held.delete(path);
    this.#held.set(path, held);
    for (const [oldest, url] of this.#held) {
      if (this.#held.size <= mostPicturesHeld) break;
      this.#held.delete(oldest);
      url.then(URL.revokeObjectURL, () => undefined);
    }
    return held;
  }

  async #objectUrl(path: string): Promise<string> {
    try {
      return URL.createObjectURL(await (await this.#ask(path)).blob());
    } catch (error) {
      this.#held.delete(path);
      throw error;
    }
  }

  async #get<T>(path: string): Promise<T> {
    return (await (await this.#ask(path)).json()) as T;
  }

  #send(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.#ask(path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  async #ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("X-Easel-Client", "page");
    if (this.key !== undefined) headers.set("Authorization", `Bearer ${this.key}`);
    let answer: Response;
    try {
      answer = await this.#fetch(this.#base + path, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Unreachable("The server does not answer.", { cause: error });
    }
    if (!answer.ok) throw await refusalOf(answer);
    return answer;
  }
}

/** 128 random bits; `randomUUID` is missing where a page comes over plain HTTP. */
function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function refusalOf(answer: Response): Promise<Refused> {
  const seconds = Number(answer.headers.get("Retry-After"));
  let record: ErrorRecord = { code: "internal", message: `The server answered ${answer.status}.` };
  try {
    const body = (await answer.json()) as { error?: ErrorRecord };
    if (typeof body.error?.message === "string") record = body.error;
  } catch {
    // A proxy's page of HTML; its status has to do.
  }
  return new Refused(answer.status, record, seconds > 0 ? seconds : undefined);
}
