import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  ErrorCode,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  type ReadResourceResult,
  type Resource,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { AppError, messageOf, refusal } from "../../errors.ts";
import { isPicture, mediaName } from "../../images/media.ts";
import { preview } from "../../images/preview.ts";
import { imagesOf, type Task, withoutSecrets } from "../../tasks/task.ts";
import { megabytes } from "../../words.ts";
import type { Deps } from "./deps.ts";
import { kindOf } from "./render.ts";

/** Tasks a page of `resources/list` covers. */
const pageSize = 25;
/** The TypeScript SDK's stdio reader closes the connection at a line of 10 MiB. */
const largestBlobBase64 = 9_000_000;
const updateSpacingMs = 500;

/** Returns what ends the connection's subscriptions. */
export function registerResources(mcp: McpServer, deps: Deps): () => void {
  const { server } = mcp;
  server.setRequestHandler(ListResourcesRequestSchema, async ({ params }) => {
    const page = await invalidParams(() => deps.studio.list({}, pageSize, params?.cursor));
    const resources = page.tasks.flatMap(taskResources);
    return {
      resources: params?.cursor ? resources : [...workflowResources(deps), ...resources],
      ...(page.cursor ? { nextCursor: page.cursor } : {}),
    };
  });
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) =>
    invalidParams(() => read(deps, params.uri)),
  );
  return registerSubscriptions(mcp, deps);
}

/** Outside of tools what is the caller's fault is an error of the protocol. */
async function invalidParams<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError || error instanceof URIError)) throw error;
    throw new McpError(ErrorCode.InvalidParams, error.message);
  }
}

const resourceTemplates = [
  {
    uriTemplate: "comfy://images/{id}",
    name: "image",
    description: "A picture that a task made, in full where the client can take it",
  },
  {
    uriTemplate: "comfy://tasks/{id}",
    name: "task",
    description: "A task's record: state, parameters, seeds, pictures, errors",
    mimeType: "application/json",
  },
  {
    uriTemplate: "comfy://workflows/{name}",
    name: "workflow",
    description: "A workflow's parameters and the models and node packs it needs",
    mimeType: "application/json",
  },
];

function taskResources(task: Task): Resource[] {
  const prompt = typeof task.params["prompt"] === "string" ? task.params["prompt"] : task.tool;
  return [
    {
      uri: `comfy://tasks/${task.id}`,
      name: task.id,
      title: `Task, ${task.state}: ${prompt.slice(0, 60)}`,
      mimeType: "application/json",
    },
    ...imagesOf(task).map((image) => ({
      uri: `comfy://images/${image.id}`,
      name: image.id,
      title: `${kindOf(image)}: ${prompt.slice(0, 60)}`,
      mimeType: image.mimeType,
      size: image.bytes,
    })),
  ];
}

function workflowResources(deps: Deps): Resource[] {
  const names = new Set(deps.catalog.all().map((workflow) => workflow.name));
  return [...names].map((name) => ({
    uri: `comfy://workflows/${encodeURIComponent(name)}`,
    name,
    title: `Workflow ${name}`,
    mimeType: "application/json",
  }));
}

async function read(deps: Deps, uri: string): Promise<ReadResourceResult> {
  const [, kind, id] = /^comfy:\/\/(images|tasks|workflows)\/([^/]+)$/.exec(uri) ?? [];
  switch (kind) {
    case "images":
      return { contents: [await imageContent(deps, uri, id ?? "")] };
    case "tasks":
      return { contents: [json(uri, withoutSecrets(await deps.studio.get(id ?? "")))] };
    case "workflows":
      return { contents: [json(uri, workflowsNamed(deps, decodeURIComponent(id ?? "")))] };
    default:
      throw new AppError(
        "not_found",
        `There is no resource ${uri.slice(0, 120)}. Known: comfy://images/{id}, comfy://tasks/{id}, comfy://workflows/{name}.`,
      );
  }
}

/** The file itself while its base64 fits the line limit, else the largest version that does. */
async function imageContent(deps: Deps, uri: string, id: string) {
  const { record, bytes } = await deps.studio.original(id);
  if (bytes.length * (4 / 3) <= largestBlobBase64) {
    return { uri, mimeType: record.mimeType, blob: bytes.toString("base64") };
  }
  if (!isPicture(record.mimeType)) {
    throw refusal(
      `${uri} (${mediaName(record.mimeType)}, ${megabytes(bytes.length)}) is too large for this connection; it is at ${deps.studio.place(record)}.`,
    );
  }
  const { data, mimeType } = await preview(bytes, {
    maxSide: Math.max(record.width, record.height),
    maxBase64: largestBlobBase64,
  });
  return { uri, mimeType, blob: data.toString("base64") };
}

/** Names are unique within a tool only, so there may be several. */
function workflowsNamed(deps: Deps, name: string): unknown[] {
  const found = deps.catalog.all().filter((workflow) => workflow.name === name);
  if (found.length === 0) {
    throw new AppError("not_found", `There is no workflow ${JSON.stringify(name.slice(0, 60))}.`);
  }
  return found.map(({ tool, title, description, parameters, models, nodes, graphHash }) => ({
    tool,
    name,
    title,
    description,
    parameters,
    models,
    nodes,
    graph_hash: graphHash,
  }));
}

function json(uri: string, value: unknown) {
  return { uri, mimeType: "application/json", text: JSON.stringify(value, null, 1) };
}

/** A subscribed task is announced at every change, at most twice a second. */
function registerSubscriptions({ server }: McpServer, deps: Deps): () => void {
  const subscribed = new Map<string, AbortController>();
  server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) => {
    const id = /^comfy:\/\/tasks\/([^/]+)$/.exec(uri)?.[1];
    if (!id || subscribed.has(uri)) return {};
    const stop = new AbortController();
    subscribed.set(uri, stop);
    announce(id, uri, stop.signal).catch((error) => deps.log.debug(`${uri}: ${messageOf(error)}`));
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    subscribed.get(uri)?.abort();
    subscribed.delete(uri);
    return {};
  });
  async function announce(id: string, uri: string, signal: AbortSignal): Promise<void> {
    let isFirst = true;
    for await (const event of deps.studio.events(id, { signal, everyMs: updateSpacingMs })) {
      // Where it is, the client has just read.
      if (!isFirst && event.kind !== "preview") await server.sendResourceUpdated({ uri });
      isFirst = false;
    }
  }
  return () => {
    for (const stop of subscribed.values()) stop.abort();
    subscribed.clear();
  };
}
