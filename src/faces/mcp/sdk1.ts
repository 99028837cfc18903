import { randomUUID } from "node:crypto";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ElicitResultSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  type LoggingLevel,
  LoggingLevelSchema,
  McpError,
  ReadResourceRequestSchema,
  RootsListChangedNotificationSchema,
  type ServerCapabilities,
  type ServerNotification,
  type ServerRequest,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { AppError, messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type Answer, promptEntry, promptResult, resultOf, typedIn } from "./answer.ts";
import { ClientRoots, rootsAnswerMs } from "./client-roots.ts";
import { endedOn } from "./ended.ts";
import { type Peer, peerFrom } from "./peer.ts";
import { experimentalTask } from "./protocol-tasks.ts";
import type { Ask } from "./question.ts";
import type { Channel } from "./rpc.ts";
import { serveTasks, tasksCapability } from "./sdk1-tasks.ts";
import type { SessionTransport } from "./session.ts";
import { type Incoming, instructions, type Surface, serverInfo } from "./surface.ts";

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** A person reads a form, so this is not the time-out of a request. */
const answerMs = 600_000;

const capabilities: ServerCapabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true },
  prompts: {},
  completions: {},
  logging: {},
  extensions: { "io.modelcontextprotocol/ui": {} },
};

/** The surface for clients up to revision 2025-11-25. One server for one connection. */
export function serverOn(surface: Surface, log: Log): Server {
  const tasks = surface.hasTasks ? { tasks: tasksCapability } : {};
  const server = new Server(serverInfo, {
    capabilities: { ...capabilities, ...tasks },
    instructions,
  });
  const peer = peerOf(server);
  const roots = new ClientRoots(log);
  const askRoots = () => {
    if (!server.getClientCapabilities()?.roots) return;
    roots.ask(async () => {
      const { roots: listed } = await server.listRoots(undefined, { timeout: rootsAnswerMs });
      return listed.map(({ uri }) => uri);
    });
  };
  server.oninitialized = askRoots;
  server.setNotificationHandler(RootsListChangedNotificationSchema, askRoots);
  let least: LoggingLevel = "warning";
  server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    least = params.level;
    return {};
  });
  surface.onToolsChanged = () => {
    server.sendToolListChanged().catch((error) => log.debug(messageOf(error)));
  };
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: surface.tools(peer()) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    await roots.known();
    const incoming: Incoming = {
      name: params.name,
      args: params.arguments,
      meta: params._meta ?? {},
      signal: extra.signal,
      peer: peer(),
      folder: roots.folder,
      async sendProgress(progress, message) {
        const progressToken = extra._meta?.progressToken;
        if (progressToken === undefined) return;
        await extra.sendNotification({
          method: "notifications/progress",
          params: { progressToken, progress, total: 1, message },
        });
      },
      log(level, data) {
        if (rank(level) < rank(least)) return;
        extra
          .sendNotification({
            method: "notifications/message",
            params: { level, logger: params.name, data },
          })
          .catch((error) => log.debug(messageOf(error)));
      },
      ended: () => endedOn(extra.signal, () => server.transport !== undefined),
      ask: peer().asks ? askOn(extra) : undefined,
    };
    if (!(params.task && surface.hasTasks)) {
      return resultOf(await invalidParams(() => surface.call(incoming)));
    }
    const started = await invalidParams(() => surface.start(incoming));
    if ("task" in started) return { task: experimentalTask(started.task, surface.studio) };
    throw new McpError(ErrorCode.InvalidParams, textOf(started.answer));
  });
  serveResources(server, surface);
  if (surface.hasTasks) serveTasks(server, surface, peer);
  return server;
}

function textOf({ content }: Answer): string {
  return content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
}

const rank = (level: LoggingLevel) => LoggingLevelSchema.options.indexOf(level);

function serveResources(server: Server, surface: Surface): void {
  server.setRequestHandler(ListResourcesRequestSchema, async ({ params }) => {
    const { entries, next } = await invalidParams(() => surface.resources(params?.cursor));
    return { resources: entries, ...(next ? { nextCursor: next } : {}) };
  });
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: [...surface.templates()],
  }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params }) => ({
    contents: [await invalidParams(() => surface.read(params.uri), { uri: params.uri })],
  }));
  servePrompts(server, surface);
  const watched = new Map<string, AbortController>();
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }) => {
    if (watched.has(uri)) return {};
    const stop = new AbortController();
    const changed = () => server.sendResourceUpdated({ uri });
    await invalidParams(() => surface.watch(uri, stop.signal, changed));
    watched.set(uri, stop);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    watched.get(uri)?.abort();
    watched.delete(uri);
    return {};
  });
  server.onclose = () => {
    for (const stop of watched.values()) stop.abort();
    surface.close();
  };
}

function servePrompts(server: Server, surface: Surface): void {
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: surface.prompts().map(promptEntry),
  }));
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    const said = await invalidParams(() => surface.prompt(params.name, params.arguments ?? {}));
    return promptResult(said);
  });
  server.setRequestHandler(CompleteRequestSchema, async ({ params }) => ({
    completion: await invalidParams(() => surface.complete(typedIn(params))),
  }));
}

function askOn(extra: Extra): Ask {
  return async (form) => {
    // Our properties are any JSON Schema that MCP allows; its types list each of them.
    const params = { mode: "form" as const, ...form } as never;
    return extra.sendRequest({ method: "elicitation/create", params }, ElicitResultSchema, {
      timeout: answerMs,
      signal: extra.signal,
    });
  };
}

/** Outside of tools what is the caller's fault is an error of the protocol. */
async function invalidParams<T>(work: () => Promise<T>, data?: object): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw new McpError(ErrorCode.InvalidParams, error.message, data);
    throw error;
  }
}

/**
 * Who is connected, from the call of `connect` on. The SDK keeps the client's name, but not the
 * revision that it answered with, so the answer is read on its way out.
 */
function peerOf(server: Server): () => Peer {
  let protocol = "";
  const connect = server.connect.bind(server);
  server.connect = async (transport: Transport) => {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
      const result = "result" in message ? message.result : undefined;
      if (typeof result?.["protocolVersion"] === "string") protocol = result["protocolVersion"];
      return send(message, options);
    };
    await connect(transport);
  };
  return () => peerFrom(server.getClientVersion(), server.getClientCapabilities(), protocol);
}

export interface SessionOptions {
  /** Bytes of one request. */
  longestBody: number;
  keepAliveMs: number;
  /** It has an id now. */
  opened(id: string): void;
  /** The client has ended it. */
  ended(): void;
}

/** The surface behind a transport over HTTP that a session of its own uses. */
export async function openSession(
  surface: Surface,
  log: Log,
  { longestBody, keepAliveMs, opened, ended }: SessionOptions,
): Promise<SessionTransport> {
  const server = serverOn(surface, log);
  // What a client sends wrong, and an answer nobody waits for any more.
  server.onerror = (error) => log.debug(`mcp: ${error.message}`);
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    maxRequestBodySize: longestBody,
    keepAliveMs,
    onsessioninitialized: opened,
  });
  transport.onclose = ended;
  await server.connect(transport);
  // By its shape it is one; the SDK has an exact type for each kind of message.
  return transport as unknown as SessionTransport;
}

/** The surface on a connection that stays open. */
export async function connectOn(surface: Surface, channel: Channel, log: Log): Promise<void> {
  const server = serverOn(surface, log);
  server.onerror = (error) => log.warn(`mcp: ${error.message}`);
  // By its shape it is one, as above.
  await server.connect(channel as unknown as Transport);
}
