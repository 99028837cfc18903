import { randomUUID } from "node:crypto";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  type LoggingLevel,
  LoggingLevelSchema,
  ResultSchema,
  type ServerNotification,
  type ServerRequest,
  SetLevelRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { endedOn } from "./ended.ts";
import { methodsOf, type Wire } from "./methods.ts";
import { type Peer, peerFrom } from "./peer.ts";
import { experimentMethods, tasksCapability } from "./protocol-tasks.ts";
import type { Ask } from "./question.ts";
import type { Channel } from "./rpc.ts";
import type { SessionTransport } from "./session.ts";
import { subscriptionMethods } from "./subscriptions.ts";
import { capabilities, instructions, type Surface, serverInfo } from "./surface.ts";

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** How long a client may take, in ms: a person reads a form, which is not the time-out of a request. */
const answerMs = { "elicitation/create": 600_000, "sampling/createMessage": 600_000 } as const;
const otherwiseMs = 3_000;

/** The surface for clients up to revision 2025-11-25. One server for one connection. */
function serverOn(surface: Surface, log: Log): Server {
  const server = new Server(serverInfo, {
    capabilities: { ...capabilities, ...(surface.hasTasks ? { tasks: tasksCapability } : {}) },
    instructions,
  });
  const over = new AbortController();
  const peer = peerOf(server);
  let least: LoggingLevel = "warning";
  server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    least = params.level;
    return {};
  });
  const wireOf = (extra: Extra): Wire => ({
    peer: peer(),
    signal: extra.signal,
    ended: () => endedOn(extra.signal, () => server.transport !== undefined),
    // The SDK has an exact type for each notification; ours are spelt as the protocol has them.
    notify: (method, params) => extra.sendNotification({ method, params } as ServerNotification),
    log(level, data, logger) {
      if (rank(level) < rank(least)) return;
      extra
        .sendNotification({ method: "notifications/message", params: { level, logger, data } })
        .catch((error) => log.debug(messageOf(error)));
    },
    ask: askOn(extra),
  });
  const later = {
    tell: (method: string, params: Record<string, unknown>) =>
      server.notification({ method, params } as ServerNotification),
    over: over.signal,
    log,
  };
  const methods = {
    ...methodsOf(surface),
    ...subscriptionMethods(surface, later),
    ...(surface.hasTasks ? experimentMethods(surface, later) : {}),
  };
  for (const [name, answer] of Object.entries(methods)) {
    const schema = z.object({ method: z.literal(name), params: z.unknown().optional() });
    server.setRequestHandler(schema, ({ params }, extra) => answer(params, wireOf(extra)));
  }
  surface.onToolsChanged = () => {
    server.sendToolListChanged().catch((error) => log.debug(messageOf(error)));
  };
  server.onclose = () => {
    over.abort();
    surface.close();
  };
  return server;
}

const rank = (level: LoggingLevel) => LoggingLevelSchema.options.indexOf(level);

function askOn({ sendRequest, signal }: Extra): Ask {
  return async (questions) => {
    const replies = Object.entries(questions).map(async ([name, { method, params }]) => {
      const timeout = method in answerMs ? answerMs[method as keyof typeof answerMs] : otherwiseMs;
      // As for notifications.
      const request = { method, params } as ServerRequest;
      return [name, await sendRequest(request, ResultSchema, { timeout, signal })];
    });
    return Object.fromEntries(await Promise.all(replies));
  };
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
