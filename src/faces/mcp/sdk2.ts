import {
  type BaseContext,
  createMcpHandler,
  InMemoryServerEventBus,
  inputRequired,
  isLegacyRequest,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
  type Tool,
  type Transport,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import { AppError, messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { promptEntry, promptResult, resultOf, typedIn } from "./answer.ts";
import { endedOn } from "./ended.ts";
import { type Peer, peerFrom } from "./peer.ts";
import { extensionTask } from "./protocol-tasks.ts";
import { type Ask, Asked, type Form, type Reply } from "./question.ts";
import type { Channel, Message } from "./rpc.ts";
import { watchAll, watchedIn } from "./subscriptions.ts";
import { type Incoming, instructions, type Surface, serverInfo } from "./surface.ts";
import type { Ended } from "./tool.ts";

const tasksExtension = "io.modelcontextprotocol/tasks";

const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true },
  prompts: {},
  completions: {},
  logging: {},
  extensions: { [tasksExtension]: {}, "io.modelcontextprotocol/ui": {} },
};

/** The surface for clients of revision 2026-07-28. One server for one request, or one connection. */
function serverOn(surface: Surface, log: Log, ended: (signal: AbortSignal) => Promise<Ended>) {
  const server = new Server(serverInfo, { capabilities, instructions });
  server.setRequestHandler("tools/list", (_request, ctx) => ({
    // Our schemas are JSON; the SDK's type of a property spells out every kind of JSON.
    tools: surface.tools(peerOf(ctx)) as unknown as Tool[],
  }));
  server.setRequestHandler("tools/call", async ({ params }, ctx) => {
    const { signal, _meta: meta = {} } = ctx.mcpReq;
    const peer = peerOf(ctx);
    const incoming: Incoming = {
      name: params.name,
      args: params.arguments,
      meta,
      signal,
      peer,
      async sendProgress(progress, message) {
        const { progressToken } = meta;
        if (progressToken === undefined) return;
        await ctx.mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken, progress, total: 1, message },
        });
      },
      log: (level, data) => {
        // Sent only where the request says from which level on.
        ctx.mcpReq.log(level, data, params.name).catch((error) => log.debug(messageOf(error)));
      },
      ended: () => ended(signal),
      ask: peer.asks ? askOn(ctx) : undefined,
    };
    try {
      if (!peer.tasks) return resultOf(await surface.call(incoming));
      const started = await surface.start(incoming);
      if ("answer" in started) return resultOf(started.answer);
      return { resultType: "task", content: [], ...extensionTask(started.task, surface.studio) };
    } catch (error) {
      if (error instanceof Asked) return questionOf(error);
      throw asProtocol(error);
    }
  });
  serveTasks(server, surface);
  server.setRequestHandler("resources/list", async ({ params }) => {
    const { entries, next } = await invalidParams(() => surface.resources(params?.cursor));
    return { resources: entries, ...(next ? { nextCursor: next } : {}) };
  });
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: [...surface.templates()],
  }));
  server.setRequestHandler("resources/read", async ({ params }) => ({
    contents: [await invalidParams(() => surface.read(params.uri), { uri: params.uri })],
  }));
  server.setRequestHandler("prompts/list", () => ({ prompts: surface.prompts().map(promptEntry) }));
  server.setRequestHandler("prompts/get", async ({ params }) => {
    const said = await invalidParams(() => surface.prompt(params.name, params.arguments ?? {}));
    return promptResult(said);
  });
  server.setRequestHandler("completion/complete", async ({ params }) => ({
    completion: { ...(await invalidParams(() => surface.complete(typedIn(params)))) },
  }));
  return server;
}

const named = { params: z.looseObject({ taskId: z.string() }), result: z.looseObject({}) };

/** The extension for tasks (SEP-2663). */
function serveTasks(server: Server, surface: Surface): void {
  const { studio } = surface;
  const demand = (ctx: BaseContext) => {
    if (peerOf(ctx).tasks) return;
    const { extensions } = capabilities;
    const requiredCapabilities = { extensions: { [tasksExtension]: extensions[tasksExtension] } };
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities });
  };
  server.setRequestHandler("tasks/get", named, async ({ taskId }, ctx) => {
    demand(ctx);
    const task = await invalidParams(() => studio.get(taskId));
    const shown = extensionTask(task, studio);
    if (shown.status !== "completed") return shown;
    return { ...shown, result: resultOf(await surface.answerOf(taskId, peerOf(ctx))) };
  });
  server.setRequestHandler("tasks/cancel", named, async ({ taskId }, ctx) => {
    demand(ctx);
    await invalidParams(() => studio.cancel(taskId));
    return {};
  });
  // A task of ours never asks while it is at work, so no answer is outstanding.
  server.setRequestHandler("tasks/update", named, async ({ taskId }, ctx) => {
    demand(ctx);
    await invalidParams(() => studio.get(taskId));
    return {};
  });
}

/** In this revision every request says who asks. */
function peerOf({ mcpReq }: BaseContext): Peer {
  const {
    "io.modelcontextprotocol/clientInfo": info,
    "io.modelcontextprotocol/clientCapabilities": can,
    "io.modelcontextprotocol/protocolVersion": protocol = "2026-07-28",
  } = (mcpReq.envelope ?? {}) as Record<string, unknown>;
  return peerFrom(info, can, String(protocol));
}

/** The question goes out as the call's result, and its answer comes with the call made again. */
function askOn({ mcpReq }: ServerContext): Ask {
  return async (form) => {
    const reply = mcpReq.inputResponses?.[keyOf(form)];
    // The SDK has checked the shape of a response, and `choose` checks what was chosen.
    if (reply !== undefined) return reply as Reply;
    throw new Asked(form);
  };
}

function questionOf({ form }: Asked) {
  // Our properties are any JSON Schema that MCP allows; its types list each of them.
  const asked = inputRequired.elicit(form as Parameters<typeof inputRequired.elicit>[0]);
  return inputRequired({ inputRequests: { [keyOf(form)]: asked } });
}

/** A call asks once at most, so any name does. */
function keyOf({ requestedSchema }: Form): string {
  return Object.keys(requestedSchema.properties)[0] ?? "form";
}

/** Outside of tools what is the caller's fault is an error of the protocol. */
async function invalidParams<T>(work: () => Promise<T>, data?: object): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asProtocol(error, data);
  }
}

function asProtocol(error: unknown, data?: object): unknown {
  if (!(error instanceof AppError)) return error;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, error.message, data);
}

/** Whether earlier revisions answer for this request, whose body is parsed. */
export function isOfEarlier(request: Request, body: unknown): Promise<boolean> {
  return isLegacyRequest(request, body);
}

export interface Exchange {
  response: Promise<Response>;
  /** Ends it without taking its call for cancelled. */
  close(): Promise<void>;
}

/**
 * Answers one request over HTTP, whose body is parsed. A client that closes the stream of its
 * response has cancelled (2026-07-28, Cancellation); `over` is called when nobody reads any more.
 */
export function exchange(
  surface: Surface,
  request: Request,
  body: Message,
  log: Log,
  { keepAliveMs, over }: { keepAliveMs: number; over(): void },
): Exchange {
  const bus = new InMemoryServerEventBus();
  const stop = new AbortController();
  const ended = async () => (request.signal.aborted ? "cancelled" : "detached") as Ended;
  const handler = createMcpHandler(() => serverOn(surface, log, ended), {
    legacy: "reject",
    bus,
    keepAliveMs,
    onerror: (error) => log.debug(`mcp: ${error.message}`),
  });
  surface.onToolsChanged = () => handler.notify.toolsChanged();
  const end = () => {
    stop.abort();
    surface.close();
    over();
  };
  const respond = async () => {
    const refused = await watchAll(surface, body, stop.signal, async (uri) => {
      handler.notify.resourceUpdated(uri);
    });
    if (refused) return Response.json(refused, { status: 400 });
    return handler.fetch(request, { parsedBody: body });
  };
  const response = respond().then((answer) => endingWith(answer, end));
  return { response, close: () => handler.close() };
}

/** The same response, with a word when its body has been read or is not wanted any more. */
function endingWith(response: Response, end: () => void): Response {
  if (!response.body) {
    end();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      end();
      controller.close();
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
  return new Response(body, response);
}

/** The surface on a connection that stays open; what is returned ends it. */
export function connectOn(surface: Surface, channel: Channel, log: Log): () => Promise<void> {
  let isOpen = true;
  const watching = new Map<string | number, AbortController>();
  const ended = (signal: AbortSignal) => endedOn(signal, () => isOpen);
  const server = serverOn(surface, log, ended);
  surface.onToolsChanged = () => {
    server.sendToolListChanged().catch((error) => log.debug(messageOf(error)));
  };
  // By its shape it is one; the SDK has an exact type for each kind of message.
  const handle = serveStdio(() => server, {
    legacy: "reject",
    transport: channel as unknown as Transport,
    onerror: (error) => log.warn(`mcp: ${error.message}`),
  });
  const { onmessage } = channel;
  channel.onmessage = (message) => void receive(message);
  return async () => {
    isOpen = false;
    for (const stop of watching.values()) stop.abort();
    surface.close();
    await handle.close();
  };

  async function receive(message: Message): Promise<void> {
    const { id, method, params } = message;
    if (method === "notifications/cancelled") {
      const cancelled = params?.["requestId"] as string | number;
      watching.get(cancelled)?.abort();
      watching.delete(cancelled);
    }
    if (id !== undefined && watchedIn(message).length > 0) {
      const stop = new AbortController();
      watching.set(id, stop);
      const changed = (uri: string) => server.sendResourceUpdated({ uri });
      const refused = await watchAll(surface, message, stop.signal, changed);
      if (refused) return channel.send(refused);
    }
    onmessage?.call(channel, message);
  }
}
