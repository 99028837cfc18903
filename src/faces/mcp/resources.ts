import { readFile } from "node:fs/promises";
import { AppError, refusal } from "../../errors.ts";
import { isPicture, mediaName } from "../../images/media.ts";
import { preview } from "../../images/preview.ts";
import { shipped } from "../../shipped.ts";
import { imagesOf, type Task, withoutSecrets } from "../../tasks/task.ts";
import { megabytes } from "../../words.ts";
import type {
  Page,
  ResourceBytes,
  ResourceContent,
  ResourceEntry,
  ResourceTemplate,
} from "./answer.ts";
import { appUri } from "./app-record.ts";
import type { Deps } from "./deps.ts";
import { appType } from "./peer.ts";
import { kindOf } from "./render.ts";

/** Tasks a page of `resources/list` covers. */
const pageSize = 25;
/** The TypeScript SDK's stdio reader closes the connection at a line of 10 MiB. */
const largestBlobBase64 = 9_000_000;
const updateSpacingMs = 500;

/** Workflows, then tasks with their pictures, newest first. */
export async function listResources(deps: Deps, cursor?: string): Promise<Page<ResourceEntry>> {
  const page = await deps.studio.list({}, pageSize, cursor);
  const tasks = page.tasks.flatMap(taskResources);
  const entries = cursor ? tasks : [...workflowResources(deps), ...tasks];
  return { entries, next: page.cursor };
}

export const resourceTemplates: readonly ResourceTemplate[] = [
  {
    uriTemplate: "comfy://images/{id}",
    name: "image",
    title: "Picture",
    description: "A picture that a task made, in full where the client can take it",
  },
  {
    uriTemplate: "comfy://tasks/{id}",
    name: "task",
    title: "Task",
    description: "A task's record: state, parameters, seeds, pictures, errors",
    mimeType: "application/json",
  },
  {
    uriTemplate: "comfy://workflows/{name}",
    name: "workflow",
    title: "Workflow",
    description: "A workflow's parameters and the models and node packs it needs",
    mimeType: "application/json",
  },
];

function taskResources(task: Task): ResourceEntry[] {
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

function workflowResources(deps: Deps): ResourceEntry[] {
  const names = new Set(deps.catalog.all().map((workflow) => workflow.name));
  return [...names].map((name) => ({
    uri: `comfy://workflows/${encodeURIComponent(name)}`,
    name,
    title: `Workflow ${name}`,
    mimeType: "application/json",
  }));
}

/** Throws `not_found` for what is not there. */
export async function readResource(
  deps: Deps,
  uri: string,
): Promise<ResourceContent | ResourceBytes> {
  if (uri === appUri) return appPage(deps);
  const { kind, id } = parsed(uri);
  switch (kind) {
    case "images":
      return imageContent(deps, uri, id);
    case "tasks":
      return json(uri, withoutSecrets(await deps.studio.get(id)));
    case "workflows":
      return json(uri, workflowsNamed(deps, id));
    default:
      throw new AppError(
        "not_found",
        `There is no resource ${uri.slice(0, 120)}. Known: comfy://images/{id}, comfy://tasks/{id}, comfy://workflows/{name}.`,
      );
  }
}

/** The file itself while its base64 fits the line limit, else the largest version that does. */
async function imageContent(deps: Deps, uri: string, id: string): Promise<ResourceBytes> {
  const { record, bytes } = await deps.studio.pictures.original(id);
  if (bytes.length * (4 / 3) <= largestBlobBase64) {
    return { uri, mimeType: record.mimeType, blob: bytes.toString("base64") };
  }
  if (!isPicture(record.mimeType)) {
    throw refusal(
      `${uri} (${mediaName(record.mimeType)}, ${megabytes(bytes.length)}) is too large for this connection; it is at ${deps.studio.pictures.place(record)}.`,
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

function json(uri: string, value: unknown): ResourceContent {
  return { uri, mimeType: "application/json", text: JSON.stringify(value, null, 1) };
}

/** One file that needs nothing from elsewhere. Throws `not_found` in a checkout that was not built. */
async function appPage({ pageDir = shipped.page }: Deps): Promise<ResourceContent> {
  const text = await readFile(`${pageDir}/studio.html`, "utf8").catch((cause: unknown) => {
    throw new AppError("not_found", `${appUri} is not built: npm run build.`, { cause });
  });
  const csp = { connectDomains: [], resourceDomains: [] };
  return { uri: appUri, mimeType: appType, text, _meta: { ui: { csp, prefersBorder: false } } };
}

function parsed(uri: string): { kind: string | undefined; id: string } {
  const [, kind, id = ""] = /^comfy:\/\/(images|tasks|workflows)\/([^/]+)$/.exec(uri) ?? [];
  try {
    return { kind, id: decodeURIComponent(id) };
  } catch {
    return { kind: undefined, id };
  }
}

/** Throws `not_found` for what cannot be read. */
export async function refuseUnlessThere(deps: Deps, uri: string): Promise<void> {
  const { kind, id } = parsed(uri);
  if (kind === "images") await deps.studio.pictures.image(id);
  else await readResource(deps, uri);
}

/**
 * One step for each change of a resource, at most twice a second, until `signal`. Only tasks
 * change: pictures are as they were made.
 */
export async function* changesOf(deps: Deps, uri: string, signal: AbortSignal) {
  const { kind, id } = parsed(uri);
  if (kind !== "tasks") return;
  let isFirst = true;
  for await (const event of deps.studio.events(id, { signal, everyMs: updateSpacingMs })) {
    // Where it is, the client has just read.
    if (!isFirst && event.kind !== "preview") yield;
    isFirst = false;
  }
}
