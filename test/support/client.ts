import { PassThrough } from "node:stream";
import { pathToFileURL } from "node:url";
import {
  type ClientCapabilities,
  Client as NewestClient,
  StreamableHTTPClientTransport as NewestHttp,
  type Transport as NewestTransport,
} from "@modelcontextprotocol/client";
import { Client as EarlierClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  type CompleteRequest,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  type Progress,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { onTestFinished } from "vitest";
import { Connection } from "../../src/faces/mcp/connection.ts";
import type { Deps } from "../../src/faces/mcp/deps.ts";
import type { Form, Reply } from "../../src/faces/mcp/question.ts";
import { Channel, type Message } from "../../src/faces/mcp/rpc.ts";
import { serveStdio } from "../../src/faces/mcp/stdio.ts";

/** The two lines of MCP's SDK, each with the newest revision it speaks. */
export type Revision = "2025-11-25" | "2026-07-28";

/** How a client comes. */
export interface Way {
  transport: "memory" | "stdio" | "http";
  revision: Revision;
}

export interface RequestOptions {
  signal?: AbortSignal;
  timeout?: number;
  onprogress?: (progress: Progress) => void;
}

export interface ToolCall {
  name: string;
  arguments?: Record<string, unknown>;
  _meta?: Record<string, unknown>;
}

export interface ClientOptions {
  /** @default that of the project that runs */
  way?: Way;
  name?: string;
  capabilities?: object;
  /** Answers a form. */
  elicit?: (form: Form) => Reply;
  /** The folders its user works in. */
  folders?: () => string[];
}

/** A client of either line of the SDK: what both do, in one spelling. */
export interface Client
  extends Pick<
    EarlierClient,
    "listTools" | "listResources" | "listResourceTemplates" | "readResource" | "listPrompts"
  > {
  callTool(params: ToolCall, options?: RequestOptions): ReturnType<EarlierClient["callTool"]>;
  getPrompt: EarlierClient["getPrompt"];
  complete(params: CompleteRequest["params"]): ReturnType<EarlierClient["complete"]>;
  /** Returns what ends it. */
  onUpdated(uri: string, updated: () => void): Promise<() => Promise<void>>;
  onToolsChanged(changed: () => void): Promise<void>;
  getInstructions(): string | undefined;
  getServerVersion(): { name: string; icons?: unknown } | undefined;
  close(): Promise<void>;
}

const clientInfo = ({ name = "test" }: ClientOptions) => ({ name, version: "1.0.0" });

const rootsOf = (folders: string[]) => ({
  roots: folders.map((folder) => ({ uri: pathToFileURL(folder).href })),
});

export function earlierClient(options: ClientOptions = {}): EarlierClient {
  const { elicit, folders, capabilities = {} } = options;
  const client = new EarlierClient(clientInfo(options), {
    capabilities: {
      ...capabilities,
      ...(elicit ? { elicitation: {} } : {}),
      ...(folders ? { roots: {} } : {}),
    },
  });
  if (folders) client.setRequestHandler(ListRootsRequestSchema, () => rootsOf(folders()));
  if (elicit) {
    // Our replies are of the form's own making; the SDK's type lists the values a field may have.
    client.setRequestHandler(
      ElicitRequestSchema,
      async ({ params }) => elicit(params as Form) as never,
    );
  }
  return client;
}

/** The client of the 1.x line, as `Client` spells it. */
export function asEarlier(client: EarlierClient): Client {
  const updated = new Map<string, () => void>();
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
    updated.get(params.uri)?.(),
  );
  return {
    callTool: (params, options) => client.callTool(params, undefined, options),
    listTools: client.listTools.bind(client),
    listResources: client.listResources.bind(client),
    listResourceTemplates: client.listResourceTemplates.bind(client),
    readResource: client.readResource.bind(client),
    listPrompts: client.listPrompts.bind(client),
    getPrompt: client.getPrompt.bind(client),
    complete: client.complete.bind(client),
    async onUpdated(uri, listener) {
      updated.set(uri, listener);
      await client.subscribeResource({ uri });
      return async () => void (await client.unsubscribeResource({ uri }));
    },
    async onToolsChanged(changed) {
      client.setNotificationHandler(ToolListChangedNotificationSchema, changed);
    },
    getInstructions: client.getInstructions.bind(client),
    getServerVersion: client.getServerVersion.bind(client),
    close: client.close.bind(client),
  };
}

export function newestClient(options: ClientOptions = {}): NewestClient {
  const { elicit, folders, capabilities = {} } = options;
  const client = new NewestClient(clientInfo(options), {
    capabilities: {
      ...capabilities,
      ...(elicit ? { elicitation: { form: {} } } : {}),
      ...(folders ? { roots: {} } : {}),
    } as ClientCapabilities,
    versionNegotiation: { mode: { pin: "2026-07-28" } },
  });
  if (folders) client.setRequestHandler("roots/list", async () => rootsOf(folders()));
  if (elicit) {
    client.setRequestHandler(
      "elicitation/create",
      async ({ params }) => elicit(params as Form) as never,
    );
  }
  return client;
}

/** The client of the 2.x line, as `Client` spells it. */
export function asNewest(client: NewestClient): Client {
  const updated = new Map<string, () => void>();
  client.setNotificationHandler("notifications/resources/updated", ({ params }) =>
    updated.get(params.uri)?.(),
  );
  return {
    callTool: client.callTool.bind(client),
    listTools: client.listTools.bind(client),
    listResources: client.listResources.bind(client),
    listResourceTemplates: client.listResourceTemplates.bind(client),
    readResource: client.readResource.bind(client),
    listPrompts: client.listPrompts.bind(client),
    getPrompt: client.getPrompt.bind(client),
    complete: client.complete.bind(client),
    async onUpdated(uri: string, listener: () => void) {
      updated.set(uri, listener);
      const listening = await client.listen({ resourceSubscriptions: [uri] });
      return () => listening.close();
    },
    async onToolsChanged(changed: () => void) {
      client.setNotificationHandler("notifications/tools/list_changed", changed);
      await client.listen({ toolsListChanged: true });
    },
    getInstructions: client.getInstructions.bind(client),
    getServerVersion: client.getServerVersion.bind(client),
    close: client.close.bind(client),
    // The answers of both lines have the same shape; their types name each kind of it.
  } as unknown as Client;
}

/** Connects a client of this revision to anything that is a transport by its shape. */
export async function connectBy(
  revision: Revision,
  transport: object,
  options: ClientOptions = {},
): Promise<Client> {
  if (revision === "2026-07-28") {
    const client = newestClient(options);
    await client.connect(transport as NewestTransport);
    return asNewest(client);
  }
  const client = earlierClient(options);
  await client.connect(transport as Transport);
  return asEarlier(client);
}

export function httpTransport(
  revision: Revision,
  url: string,
  headers: Record<string, string> = {},
): object {
  const Http = revision === "2026-07-28" ? NewestHttp : StreamableHTTPClientTransport;
  return new Http(new URL(url), { requestInit: { headers } });
}

/** The client's end of a connection in memory. */
export function memoryTransport(deps: Deps): Channel {
  const end = new Channel(async (message) => connection.receive(structuredClone(message)));
  const connection = new Connection(deps, async (message) => {
    queueMicrotask(() => end.onmessage?.(structuredClone(message)));
  });
  onTestFinished(() => connection.close());
  return end;
}

/** The client's end of the very code that serves stdin and stdout, on pipes in this process. */
export function pipeTransport(deps: Deps): object {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const stop = new AbortController();
  const served = serveStdio(deps, stop.signal, { input, output });
  const end = new Channel(async (message) => void input.write(`${JSON.stringify(message)}\n`));
  let rest = "";
  output.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) end.onmessage?.(JSON.parse(line) as Message);
  });
  onTestFinished(async () => {
    stop.abort();
    await served;
  });
  return end;
}
