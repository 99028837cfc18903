import { randomUUID } from "node:crypto";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { version } from "../../version.ts";
import type { Webhook } from "../../webhooks/webhook.ts";
import { nearest } from "../../words.ts";
import { followRoots } from "./client-roots.ts";
import type { Deps } from "./deps.ts";
import { imageTools } from "./image-tools.ts";
import { withheld } from "./offer.ts";
import { peerOf } from "./peer.ts";
import { deleteTasks, listTasks } from "./record-tools.ts";
import { registerResources } from "./resources.ts";
import { cancelTask, getImage, taskStatus } from "./task-tools.ts";
import { type Call, entryOf, parseArguments, type Tool } from "./tool.ts";
import { viewFor } from "./view.ts";
import { listWorkflows } from "./workflow-tools.ts";

const instructions = `Pictures with ComfyUI. generate_image needs only a prompt; img2img, inpaint, outpaint, upscale and remove_background take an image: a file path, a URL, or an image id of an earlier result.
A result has previews for you and, for the user, the place of each full picture: show it to them.
If a call answers that its task is queued or running, that is no error: call task_status with the task_id until it is done. Ids stay good across restarts; list_tasks finds lost ones.
If a workflow cannot run, the error says which model or node pack ComfyUI lacks: tell the user.`;

export function allTools(deps: Deps): Tool[] {
  return [
    ...imageTools(deps),
    taskStatus(deps),
    listTasks(deps),
    cancelTask(deps),
    deleteTasks(deps),
    getImage(deps),
    listWorkflows(deps),
  ];
}

function toolsByName(deps: Deps): Map<string, Tool> {
  return new Map(allTools(deps).map((tool) => [tool.name, tool]));
}

/** One MCP server object for one connection: cheap, and without state of its own. */
export function createMcpServer(deps: Deps): McpServer {
  const mcp = new McpServer(
    { name: "comfy-easel", title: "comfy-easel", version },
    {
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
      instructions,
    },
  );
  let served = deps;
  let tools = toolsByName(served);
  const reasonAgainst = (tool: Tool) => withheld(tool, deps.offer, deps.studio);
  const unsubscribe = deps.catalog.onChange(() => {
    tools = toolsByName(served);
    mcp.server.sendToolListChanged().catch((error) => deps.log.debug(String(error)));
  });
  const peer = peerOf(mcp);
  let folder: string | undefined;
  const serve = () => {
    const { name } = peer();
    // Whoever looks at a task later wants to know which program asked for it.
    const studio = name === "" ? deps.studio : deps.studio.through("mcp", name);
    served = { ...deps, studio: folder === undefined ? studio : studio.startingIn(folder) };
    tools = toolsByName(served);
  };
  const rootsKnown = followRoots(mcp, deps.log, (first) => {
    folder = first;
    serve();
  });
  const guided = new Set<string>();
  // The SDK's own tool handlers drop unknown parameters without a word; ours name them.
  mcp.server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [...tools.values()]
      .filter((tool) => !reasonAgainst(tool))
      .map((tool) => deps.schemas?.entry(tool, peer()) ?? entryOf(tool, peer())),
  }));
  mcp.server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    await rootsKnown();
    if (served === deps) serve();
    const progressToken = extra._meta?.progressToken;
    const webhook = webhookIn(params._meta);
    return answer(deps, tools, params.name, params.arguments, {
      signal: extra.signal,
      client: peer(),
      view: viewFor(peer(), deps),
      guided,
      progressToken,
      ...(webhook ? { webhook } : {}),
      label: textIn(params._meta, "label"),
      idempotencyKey: textIn(params._meta, "idempotency-key"),
      isConnected: () => mcp.isConnected(),
      async sendProgress(progress, message) {
        if (progressToken === undefined) return;
        await extra.sendNotification({
          method: "notifications/progress",
          params: { progressToken, progress, total: 1, message },
        });
      },
    });
  });
  const closeResources = registerResources(mcp, deps);
  mcp.server.onclose = () => {
    unsubscribe();
    closeResources();
  };
  return mcp;
}

const webhookSchema = z.strictObject({
  url: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  secret: z.string().min(1).optional(),
});

/** `_meta: {"comfy-easel/webhook": {url, headers, secret}}` on a tool call. */
function webhookIn(meta: Record<string, unknown> | undefined): Partial<Webhook> | undefined {
  const given = meta?.["comfy-easel/webhook"];
  if (given === undefined) return undefined;
  const parsed = webhookSchema.safeParse(given);
  if (!parsed.success) {
    throw new McpError(
      ErrorCode.InvalidParams,
      `_meta["comfy-easel/webhook"]: expected {url?, headers?, secret?}: ${parsed.error.issues[0]?.message}.`,
    );
  }
  const { url, headers, secret } = parsed.data;
  return {
    ...(url ? { url } : {}),
    ...(headers ? { headers } : {}),
    ...(secret ? { secret } : {}),
  };
}

/** `_meta: {"comfy-easel/NAME": text}`. */
function textIn(meta: Record<string, unknown> | undefined, name: string): string | undefined {
  const key = `comfy-easel/${name}`;
  const given = meta?.[key];
  if (given === undefined || typeof given === "string") return given;
  throw new McpError(ErrorCode.InvalidParams, `_meta["${key}"]: expected text.`);
}

async function answer(
  deps: Deps,
  tools: ReadonlyMap<string, Tool>,
  name: string,
  args: unknown,
  call: Call,
): Promise<CallToolResult> {
  try {
    const tool = tools.get(name);
    const reasonAgainst = (one: Tool) => withheld(one, deps.offer, deps.studio);
    if (!tool) {
      const offered = [...tools.values()].filter((one) => !reasonAgainst(one));
      throw unknownTool(
        name,
        offered.map((one) => one.name),
      );
    }
    const reason = reasonAgainst(tool);
    if (reason) throw new AppError("forbidden", `${name} is not offered here: ${reason}.`);
    return noted(deps, await tool.run(parseArguments(tool, args), call));
  } catch (error) {
    return { content: [{ type: "text", text: wordError(deps, name, error) }], isError: true };
  }
}

/** Trouble with the record of tasks is told with every answer, right after its first block. */
function noted(deps: Deps, result: CallToolResult): CallToolResult {
  const { notice } = deps.studio;
  if (notice === undefined) return result;
  const [first, ...rest] = result.content;
  const note = { type: "text" as const, text: `Note: ${notice}` };
  return { ...result, content: first ? [first, note, ...rest] : [note] };
}

function unknownTool(name: string, known: string[]): AppError {
  const close = nearest(name, known);
  const way =
    close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Tools: ${known.join(", ")}.`;
  return new AppError("not_found", `There is no tool ${JSON.stringify(name.slice(0, 60))}. ${way}`);
}

/** An `AppError` is written for its reader; anything else is a defect of ours and goes to the log. */
function wordError(deps: Deps, tool: string, error: unknown): string {
  if (error instanceof AppError) return error.message;
  const id = randomUUID().slice(0, 8);
  deps.log.error(
    `${tool} (${id}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return `Internal error ${id} in ${tool}; the server's log has the details.`;
}
