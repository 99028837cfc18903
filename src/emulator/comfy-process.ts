import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer } from "ws";
import { features, maxBodyBytes } from "../as-comfyui/features.ts";
import { execInfo } from "../as-comfyui/prompt-request.ts";
import { empty, type NoReply, type Reply, serverError, text } from "../as-comfyui/reply.ts";
import { Sockets } from "../as-comfyui/sockets.ts";
import { atLeast } from "../as-comfyui/version.ts";
import { ResultCache } from "./cache.ts";
import { Catalog } from "./catalog.ts";
import type { Disk, StoredFile } from "./disk.ts";
import type { Faults, RequestFault } from "./faults.ts";
import type { Hold } from "./hold.ts";
import { isForeign } from "./http/origin.ts";
import { BodyTooLarge, bodyOf, type Request } from "./http/request.ts";
import { Router } from "./http/router.ts";
import { Interrupts } from "./interrupts.ts";
import type { Metadata } from "./models.ts";
import type { EmulatorNode, Timing } from "./node.ts";
import type { Parts } from "./parts.ts";
import { PromptQueue } from "./queue.ts";
import { catalogRoutes } from "./routes/catalog.ts";
import { historyRoutes } from "./routes/history.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { promptRoutes } from "./routes/prompt.ts";
import { queueRoutes } from "./routes/queue.ts";
import { systemRoutes } from "./routes/system.ts";
import { uploadRoutes } from "./routes/upload.ts";
import { userdataRoutes } from "./routes/userdata.ts";
import { viewRoutes } from "./routes/view.ts";
import { Worker } from "./worker.ts";

export interface ProcessOptions {
  version: string;
  timing: Timing;
  models: Record<string, string[]>;
  metadata: Metadata;
  withoutNodes: readonly string[];
  extraNodes: readonly EmulatorNode[];
  auth: { header: string; value: string } | undefined;
  pathPrefix: string;
  history: number;
  disk: Disk;
  userdata: Map<string, StoredFile>;
  templates: ReadonlyMap<string, string>;
  faults: Faults;
  holds: Hold[];
  /** Told of every prompt that is queued. */
  queued(promptId: string): void;
  /** Sees every request before anything else; true when it has answered it. */
  intercept(request: Request, response: ServerResponse): boolean;
}

const routes = [
  ...promptRoutes,
  ...queueRoutes,
  ...historyRoutes,
  ...jobRoutes,
  ...viewRoutes,
  ...uploadRoutes,
  ...catalogRoutes,
  ...systemRoutes,
  ...userdataRoutes,
];

/** One life of the server: what it holds is gone when it is killed, but for the disk. */
export class ComfyProcess {
  readonly #options: ProcessOptions;
  readonly #parts: Parts;
  readonly #router: Router;
  readonly #server: Server;
  readonly #upgrades = new WebSocketServer({ noServer: true, maxPayload: 4 * 1024 * 1024 });
  readonly #death = new AbortController();
  readonly #work: Promise<void>;

  constructor(options: ProcessOptions) {
    this.#options = options;
    const { version, faults } = options;
    this.#router = new Router(routes.filter(({ since }) => atLeast(version, since ?? "0.0.0")));
    this.#parts = this.#build();
    const worker = new Worker(this.#parts, this.#death.signal);
    this.#parts.wake = () => worker.wake();
    faults.onStart(() => worker.wake());
    this.#work = worker.work();
    this.#server = createServer((message, response) => void this.#serve(message, response));
    this.#server.on("upgrade", (message, socket: Socket, head) =>
      this.#upgrade(message, socket, head),
    );
  }

  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  cutSockets(): void {
    this.#parts.sockets.cutAll();
  }

  async kill(): Promise<void> {
    this.#death.abort();
    this.#parts.sockets.cutAll();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    await this.#work;
    this.#options.disk.emptyTemp();
  }

  #build(): Parts {
    const { version, timing, models, metadata, disk, faults, holds, history } = this.#options;
    const { userdata, templates } = this.#options;
    const interrupts = new Interrupts(this.#death.signal);
    const catalog = new Catalog(this.#options, disk);
    const sockets: Sockets = new Sockets({
      isSilent: () => faults.silentSocket,
      forgetsNewer: () => faults.deafAfterReconnect,
      queueInfo: () => execInfo(queue.remaining),
      features: () => features(version),
      current: (sid) => {
        const { clientId, nodeId } = parts.current;
        return clientId === sid && nodeId !== undefined ? { node: nodeId } : undefined;
      },
    });
    const queue = new PromptQueue(
      history,
      () => sockets.send("status", { status: execInfo(queue.remaining) }),
      this.#options.queued,
    );
    const parts: Parts = {
      ...{ version, timing, models, metadata, catalog, disk, faults, holds, queue, sockets },
      ...{ interrupts, userdata, templates },
      cache: new ResultCache(),
      current: { clientId: undefined, nodeId: undefined },
      counter: 0,
      forget: false,
      wake: () => {},
    };
    return parts;
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = requestOf(message);
    try {
      request.body = await bodyOf(message, maxBodyBytes);
    } catch (cause) {
      if (!(cause instanceof BodyTooLarge)) return;
      send(response, tooLarge, request.method);
      return;
    }
    if (this.#options.intercept(request, response)) return;
    const reply = await this.#answer(request);
    if (reply === "cut") response.destroy();
    else if (reply !== "silence") send(response, reply, request.method);
  }

  async #answer(request: Request): Promise<Reply | NoReply> {
    const refusal = this.#refusal(request);
    if (refusal === "cut body") return cutInBody(await this.#handle(request));
    return refusal ?? this.#handle(request);
  }

  async #handle(request: Request): Promise<Reply | NoReply> {
    if (request.method === "OPTIONS") return empty();
    const found = this.#router.find(request.method, request.path);
    if (!("route" in found)) return found;
    try {
      return await found.route.handle(request, this.#parts, found.params);
    } catch {
      // Whatever a handler raises is aiohttp's bare 500, the reason is only in ComfyUI's log.
      return serverError;
    }
  }

  #refusal(request: Request): Reply | NoReply | "cut body" | undefined {
    const { auth, pathPrefix, faults, version } = this.#options;
    if (auth && request.headers[auth.header.toLowerCase()] !== auth.value) {
      return text("401 Unauthorized", 401);
    }
    if (pathPrefix && !request.path.startsWith(`${pathPrefix}/`)) return text("404 Not Found", 404);
    request.path = request.path.slice(pathPrefix.length);
    const fault = faults.takeRequestFault(request.method, request.path);
    if (fault) return answerOf(fault);
    return isForeign(request.headers, version) ? empty(403) : undefined;
  }

  #upgrade(message: IncomingMessage, socket: Socket, head: Buffer): void {
    const request = requestOf(message);
    const refusal = this.#refusal(request);
    const isSocket = request.path === "/ws" || request.path === "/api/ws";
    if (refusal || !isSocket) {
      const status = typeof refusal === "object" ? refusal.status : 404;
      socket.on("error", () => socket.destroy());
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    this.#upgrades.handleUpgrade(message, socket, head, (client) =>
      this.#parts.sockets.accept(client, request.query.get("clientId") ?? ""),
    );
  }
}

/** A proxy's own page. */
const page = text("<!DOCTYPE html><html><body>Please wait</body></html>", 200, {
  "content-type": "text/html",
});

function answerOf({ status, answer }: RequestFault): Reply | NoReply | "cut body" {
  if (answer === "page") return page;
  if (answer) return answer;
  return status === undefined ? "cut" : { ...serverError, status };
}

function cutInBody(reply: Reply | NoReply): Reply | NoReply {
  if (typeof reply === "string") return reply;
  return { ...reply, cutAfter: Math.floor(Buffer.from(reply.body).length / 2) };
}

const tooLarge = text(`Maximum request body size ${maxBodyBytes} exceeded.`, 413);

function requestOf(message: IncomingMessage): Request {
  const url = message.url ?? "/";
  const split = url.indexOf("?");
  return {
    method: message.method ?? "GET",
    path: split < 0 ? url : url.slice(0, split),
    query: new URLSearchParams(split < 0 ? "" : url.slice(split + 1)),
    headers: message.headers,
    body: Buffer.alloc(0),
  };
}

function send(response: ServerResponse, reply: Reply, method: string): void {
  const body = Buffer.from(reply.body);
  const length = { "content-length": String(body.length) };
  response.writeHead(
    reply.status,
    reply.status === 304 ? reply.headers : { ...reply.headers, ...length },
  );
  if (method === "HEAD") response.end();
  else if (reply.cutAfter === undefined) response.end(body);
  else response.write(body.subarray(0, reply.cutAfter), () => response.destroy());
}
