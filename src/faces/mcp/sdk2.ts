import {
  createMcpHandler,
  createRequestStateCodec,
  InMemoryServerEventBus,
  isLegacyRequest,
  Server,
  type ServerContext,
  type Transport,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type Method, methodsOf, type Wire } from "./methods.ts";
import { type Peer, peerFrom } from "./peer.ts";
import { extensionMethods, tasksExtension } from "./protocol-tasks.ts";
import { Asked } from "./question.ts";
import type { Channel, Message } from "./rpc.ts";
import { capabilities, instructions, type Surface, serverInfo } from "./surface.ts";
import type { Ended } from "./tool.ts";

/** What the client's questions were answered with, by their names. */
type Replies = Record<string, unknown>;

/** What the end of a call's signal meant. */
type EndedOn = (signal: AbortSignal) => Promise<Ended>;

const loose = { params: z.looseObject({}), result: z.looseObject({}) };

/** The surface for clients of revision 2026-07-28. One server for one request, or one connection. */
function serverOn(surface: Surface, log: Log, ended: EndedOn): Server {
  const codec = async () =>
    createRequestStateCodec<Replies>({
      key: await surface.askKey(),
      bind: ({ mcpReq }) => `${mcpReq.method} ${surface.studio.caller.name}`,
    });
  const { extensions } = capabilities;
  const server = new Server(serverInfo, {
    capabilities: { ...capabilities, extensions: { ...extensions, [tasksExtension]: {} } },
    instructions,
    requestState: { verify: async (state, ctx) => (await codec()).verify(state, ctx) },
  });
  /** Questions go out as the request's result, and their replies come with the request made again. */
  const answer = async (method: Method, params: unknown, ctx: ServerContext) => {
    const { requestState, inputResponses } = ctx.mcpReq;
    const replies = { ...requestState<Replies>(), ...inputResponses };
    try {
      return await method(params, wireOf(ctx, replies, log, ended));
    } catch (error) {
      if (!(error instanceof Asked)) throw error;
      const state = await (await codec()).mint(replies, ctx);
      const inputRequests = error.questions;
      return { resultType: "input_required", inputRequests, requestState: state };
    }
  };
  const methods = { ...methodsOf(surface), ...extensionMethods(surface) };
  for (const [name, method] of Object.entries(methods)) {
    server.setRequestHandler(name, loose, (params, ctx) => answer(method, params, ctx));
  }
  return server;
}

function wireOf(ctx: ServerContext, replies: Replies, log: Log, ended: EndedOn): Wire {
  const { signal, notify } = ctx.mcpReq;
  return {
    peer: peerOf(ctx),
    signal,
    ended: () => ended(signal),
    notify: (method, params) => notify({ method, params }),
    // Sent only where the request says from which level on.
    log: (level, message, logger) =>
      void ctx.mcpReq
        .log(level, message, logger)
        .catch((error: unknown) => log.debug(messageOf(error))),
    async ask(questions) {
      const open = Object.entries(questions).filter(([name]) => !(name in replies));
      if (open.length > 0) throw new Asked(Object.fromEntries(open));
      return replies;
    },
  };
}

/** In this revision every request says who asks. */
function peerOf({ mcpReq }: ServerContext): Peer {
  const {
    "io.modelcontextprotocol/clientInfo": info,
    "io.modelcontextprotocol/clientCapabilities": can,
    "io.modelcontextprotocol/protocolVersion": protocol = "2026-07-28",
  } = (mcpReq.envelope ?? {}) as Record<string, unknown>;
  return peerFrom(info, can, String(protocol));
}

/** Whether earlier revisions answer for this request, whose body is parsed. */
export function isOfEarlier(request: Request, body: unknown): Promise<boolean> {
  return isLegacyRequest(request, body);
}

/** What answers requests, and tells those who listen. */
export interface Handler {
  toolsChanged(): void;
  updated(uri: string): void;
  close(): Promise<void>;
}

export interface HttpHandler extends Handler {
  /** The body is parsed. */
  fetch(request: Request, body: Message): Promise<Response>;
}

/** Answers over HTTP, each request by a server of its own. */
export function httpHandler(
  surface: Surface,
  log: Log,
  { keepAliveMs, ended }: { keepAliveMs: number; ended: EndedOn },
): HttpHandler {
  const handler = createMcpHandler(() => serverOn(surface, log, ended), {
    legacy: "reject",
    bus: new InMemoryServerEventBus(),
    keepAliveMs,
    onerror: (error) => log.debug(`mcp: ${error.message}`),
  });
  return {
    fetch: (request, parsedBody) => handler.fetch(request, { parsedBody }),
    toolsChanged: () => handler.notify.toolsChanged(),
    updated: (uri) => handler.notify.resourceUpdated(uri),
    close: () => handler.close(),
  };
}

/** Answers on a connection that stays open. */
export function channelHandler(
  surface: Surface,
  channel: Channel,
  log: Log,
  ended: EndedOn,
): Handler {
  const server = serverOn(surface, log, ended);
  const told = (sent: Promise<void>) =>
    void sent.catch((error: unknown) => log.debug(messageOf(error)));
  const handle = serveStdio(() => server, {
    legacy: "reject",
    // By its shape it is one; the SDK has an exact type for each kind of message.
    transport: channel as unknown as Transport,
    onerror: (error) => log.warn(`mcp: ${error.message}`),
  });
  return {
    toolsChanged: () => told(server.sendToolListChanged()),
    updated: (uri) => told(server.sendResourceUpdated({ uri })),
    close: () => handle.close(),
  };
}
