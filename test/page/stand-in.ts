import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import sharp from "sharp";
import { loras, models, styles, tools } from "./stand-in-catalogue.ts";
import { paintScene } from "./stand-in-pictures.ts";
import { StandInStudio, type StudioOptions } from "./stand-in-studio.ts";

export interface StandInOptions extends Partial<StudioOptions> {
  /** The built page. */
  dir: string;
  key?: string;
  scopes?: string[];
  port?: number;
}

/** As `docs/rest.md` has it. */
export const contentPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".woff2": "font/woff2",
  ".svg": "image/svg+xml",
};

/** The contract of `docs/rest.md`, and the page, over simulated tasks. */
export class StandIn {
  readonly studio: StandInStudio;
  readonly dir: string;
  readonly #options: StandInOptions;
  readonly #server: Server;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.dir = options.dir;
    this.studio = new StandInStudio({ paint: paintScene, stepTime: 20, ...options });
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        refuse(response, 500, "internal", String(error));
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) =>
      this.#server.listen(this.#options.port ?? 0, "127.0.0.1", resolve),
    );
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.studio.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://stand-in");
    const [, first, , third, id = "", verb] = url.pathname.split("/");
    if (first !== "api" && first !== "files") return this.#page(url.pathname, response);
    const { key } = this.#options;
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) {
      return refuse(response, 401, "unauthorized", "This server wants a key.");
    }
    if (first === "files") return this.#file(url, response);
    if (third === "events") return this.#events(request, response);
    if (third === "uploads") return this.#upload(request, response);
    if (third !== "tasks") return this.#catalogue(third ?? "", response);
    if (verb === "preview") return this.#preview(id, response);
    const body = request.method === "POST" ? JSON.parse(String(await read(request)) || "{}") : {};
    return this.#tasks(request.method ?? "GET", url, id, verb, body, response);
  }

  #tasks(
    method: string,
    url: URL,
    id: string,
    verb: string | undefined,
    body: Record<string, unknown>,
    response: ServerResponse,
  ): void {
    const { studio } = this;
    if (method === "POST" && id === "") {
      const given = body["arguments"] as Record<string, unknown>;
      return json(response, 202, { task: studio.submit(String(body["tool"]), given) });
    }
    if (method === "POST" && id === "delete") {
      const { ids = [] } = body["filter"] as { ids?: string[] };
      if (body["dry_run"] !== true) return json(response, 200, { ...studio.delete(ids), bytes: 0 });
      const found = ids.flatMap((one) => studio.tasks.get(one) ?? []);
      const images = found.flatMap((task) => task.images).length;
      return json(response, 200, { tasks: found.length, images, bytes: images * 1_400_000 });
    }
    if (verb === "cancel") {
      const message = studio.cancel(id);
      return json(response, 200, { task: studio.tasks.get(id), message });
    }
    if (id !== "") {
      const task = studio.tasks.get(id);
      if (!task) return refuse(response, 404, "not_found", `There is no task ${id}.`);
      return json(response, 200, { task });
    }
    return json(response, 200, this.#list(url.searchParams));
  }

  #list(asked: URLSearchParams): unknown {
    const q = asked.get("q")?.toLowerCase();
    const via = asked.get("via")?.split(",");
    const all = [...this.studio.tasks.values()]
      .filter((task) => !via || via.includes(String(task.via)))
      .filter((task) => !q || String(task.prompt).toLowerCase().includes(q))
      .sort((a, b) => b.created_at.localeCompare(a.created_at));
    const from = Number(asked.get("cursor") ?? 0);
    const to = from + Number(asked.get("limit") ?? 50);
    return { tasks: all.slice(from, to), next_cursor: to < all.length ? String(to) : null };
  }

  #catalogue(name: string, response: ServerResponse): void {
    const { studio } = this;
    const answers: Record<string, unknown> = {
      me: {
        name: null,
        scopes: this.#options.scopes ?? ["read", "generate", "delete"],
        version: "0.1.0",
        demo: false,
        mcp_url: "http://127.0.0.1:8488/mcp",
      },
      tools: { tools },
      workflows: { problem: null, workflows: studio.workflows, faults: [] },
      styles: { styles },
      models: { models },
      loras: { loras: loras.map((lora) => ({ name: lora })) },
      backends: { backends: studio.backends },
    };
    const answer = answers[name];
    if (answer === undefined) return refuse(response, 404, "not_found", `There is no ${name}.`);
    return json(response, 200, answer);
  }

  #events(request: IncomingMessage, response: ServerResponse): void {
    const { studio } = this;
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(": hello\n\n");
    const send = ({ id, event, data }: { id?: number; event: string; data: unknown }) =>
      response.write(
        `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
      );
    const last = request.headers["last-event-id"];
    if (last !== undefined) {
      for (const kept of studio.keptEvents) if ((kept.id ?? 0) > Number(last)) send(kept);
    }
    studio.listeners.add(send);
    response.on("close", () => studio.listeners.delete(send));
  }

  async #upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await read(request);
    const { width = 0, height = 0, format } = await sharp(bytes).metadata();
    const file = { bytes, mimeType: `image/${format}`, width, height };
    const id = this.studio.keep(file);
    json(response, 201, { id, width, height, mime_type: file.mimeType, bytes: bytes.length });
  }

  #preview(id: string, response: ServerResponse): void {
    const bytes = this.studio.previews.get(id);
    if (!bytes) {
      response.writeHead(204).end();
      return;
    }
    response
      .writeHead(200, { "Content-Type": "image/jpeg", "Cache-Control": "no-store" })
      .end(bytes);
  }

  async #file(url: URL, response: ServerResponse): Promise<void> {
    const file = this.studio.files.get(url.pathname.split("/")[3] ?? "");
    if (!file) return refuse(response, 404, "not_found", "There is no such picture.");
    const width = Number(url.searchParams.get("width") ?? 0);
    const headers = { "Cache-Control": "private, max-age=31536000, immutable" };
    if (width === 0) {
      response.writeHead(200, { ...headers, "Content-Type": file.mimeType }).end(file.bytes);
      return;
    }
    const small = await sharp(file.bytes)
      .resize({ width, withoutEnlargement: true })
      .webp()
      .toBuffer();
    response.writeHead(200, { ...headers, "Content-Type": "image/webp" }).end(small);
  }

  async #page(pathname: string, response: ServerResponse): Promise<void> {
    const file = pathname === "/" ? "index.html" : path.normalize(pathname).slice(1);
    try {
      const bytes = await readFile(path.join(this.#options.dir, file));
      response
        .writeHead(200, {
          "Content-Type": types[path.extname(file)] ?? "application/octet-stream",
          "Content-Security-Policy": contentPolicy,
        })
        .end(bytes);
    } catch {
      refuse(response, 404, "not_found", `There is no ${file}.`);
    }
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  json(response, status, { error: { code, message } });
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
