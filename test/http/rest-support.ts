import { Hono } from "hono";
import { filesApi } from "../../src/faces/http/api/files.ts";
import type { RestEnv, Scope } from "../../src/faces/http/api/parts.ts";
import { restApi } from "../../src/faces/http/api/rest.ts";
import { pictureTools } from "../../src/faces/mcp/picture-tools.ts";
import { type Caller, scopesWithImplied } from "../../src/studio/caller.ts";
import { startApp, type World } from "../support/world.ts";

export interface Rest {
  world: World;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Any request; `as` names another caller than the first. */
  request(path: string, init?: RequestInit, as?: string): Promise<Response>;
}

export interface RestOptions {
  scopes?: readonly Scope[];
  beatMs?: number;
  backendsMs?: number;
  world?: Parameters<typeof startApp>[1];
}

/** Both apps below a parent that knows its callers by a header, as keys would make them known. */
export async function startRest(
  url: Parameters<typeof startApp>[0],
  options: RestOptions = {},
): Promise<Rest> {
  const world = await startApp(url, options.world);
  const { scopes = ["read", "generate", "delete"], beatMs, backendsMs } = options;
  const parts = {
    catalog: world.app.catalog,
    tools: (studio: World["deps"]["studio"]) => pictureTools({ ...world.deps, studio }),
    log: world.log,
    scopesOf: () => scopes,
    nameOf: ({ name }: Caller) => name,
    demo: false,
    mcpUrl: (request: Request) => new URL("/mcp", request.url).href,
    ...(beatMs === undefined ? {} : { beatMs }),
    ...(backendsMs === undefined ? {} : { backendsMs }),
  };
  const parent = new Hono<RestEnv>();
  parent.use(async (c, next) => {
    c.set("studio", world.app.studio(callerCalled(c.req.header("x-test-caller") ?? "anna")));
    await next();
  });
  parent.route("/api/v1", restApi(parts));
  parent.route("/files", filesApi(parts));
  const request = async (path: string, init: RequestInit = {}, as = "anna") => {
    const headers = new Headers(init.headers);
    headers.set("x-test-caller", as);
    return parent.request(path, { ...init, headers });
  };
  return {
    world,
    request,
    get: (path, headers = {}) => request(path, { headers }),
    post: (path, body, headers = {}) =>
      request(path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      }),
  };
}

function callerCalled(name: string): Caller {
  const scopes = scopesWithImplied(name === "admin" ? ["admin"] : ["generate", "delete"]);
  return { name, scopes, folders: { roots: [] } };
}

export interface TaskBody {
  id: string;
  state: string;
  prompt: string | null;
  arguments: Record<string, unknown>;
  images: { id: string; sha256?: string; seed: number | null; color: string | null }[];
  inputs: Record<string, { id: string; origin: string }>;
  progress: Record<string, unknown> | null;
  error: { code: string; message: string } | null;
  [key: string]: unknown;
}

export async function taskIn(answer: Response): Promise<TaskBody> {
  const { task } = (await answer.json()) as { task: TaskBody };
  return task;
}

export async function errorIn(
  answer: Response,
): Promise<{ code: string; message: string; parameter?: string }> {
  const { error } = (await answer.json()) as {
    error: { code: string; message: string; parameter?: string };
  };
  return error;
}

/** Asks for pictures and waits for their end on the task's own stream. */
export async function made(
  rest: Rest,
  args: Record<string, unknown>,
  tool = "generate_image",
): Promise<TaskBody> {
  const answer = await rest.post("/api/v1/tasks", { tool, arguments: args });
  if (answer.status !== 202) throw new Error(await answer.text());
  return ended(rest, (await taskIn(answer)).id);
}

export async function ended(rest: Rest, id: string): Promise<TaskBody> {
  const stream = await rest.get(`/api/v1/tasks/${id}/events`);
  await stream.text();
  return taskIn(await rest.get(`/api/v1/tasks/${id}`));
}

export interface Message {
  event?: string;
  data?: unknown;
  id?: string;
  comment?: string;
}

/** Reads a stream of server-sent events message by message. */
export class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(answer: Response) {
    if (!answer.body) throw new Error("the answer has no body");
    this.#reader = answer.body.getReader();
  }

  /** The next one; undefined at the end. */
  async next(): Promise<Message | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return messageIn(block);
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Reads on until one is of this kind, and fits. */
  async until(event: string, fits: (data: never) => boolean = () => true): Promise<Message> {
    for (;;) {
      const message = await this.next();
      if (!message) throw new Error(`the stream ended before "${event}"`);
      if (message.event === event && fits(message.data as never)) return message;
    }
  }

  async all(): Promise<Message[]> {
    const messages: Message[] = [];
    for (;;) {
      const message = await this.next();
      if (!message) return messages;
      if (message.event) messages.push(message);
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

function messageIn(block: string): Message {
  const message: Message = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trimStart();
    if (name === "data") message.data = JSON.parse(value);
    else if (name === "event") message.event = value;
    else if (name === "id") message.id = value;
    else if (name === "") message.comment = value;
  }
  return message;
}
