import { randomBytes, randomUUID } from "node:crypto";
import { AppError } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import type { Task } from "../../tasks/task.ts";
import { version } from "../../version.ts";
import { nearest } from "../../words.ts";
import type {
  Answer,
  Page,
  ResourceBytes,
  ResourceContent,
  ResourceEntry,
  ResourceTemplate,
  ToolEntry,
} from "./answer.ts";
import { withRecord } from "./app-record.ts";
import { folderOf, isRelativePath } from "./client-folder.ts";
import { type Completions, completionsOf, type Typed } from "./completion.ts";
import type { Deps } from "./deps.ts";
import { serverIcons } from "./icons.ts";
import { withheld } from "./offer.ts";
import type { Peer } from "./peer.ts";
import { type Prompt, promptBlocks, prompts } from "./prompts.ts";
import { type Ask, Asked } from "./question.ts";
import { renderEnded } from "./render.ts";
import { textIn, webhookIn } from "./request-meta.ts";
import {
  changesOf,
  listResources,
  readResource,
  refuseUnlessThere,
  resourceTemplates,
} from "./resources.ts";
import { type Call, type Ended, entryOf, parseArguments, type Tool } from "./tool.ts";
import { allTools } from "./tools.ts";
import { viewFor } from "./view.ts";

export const serverInfo = {
  name: "comfy-easel",
  title: "comfy-easel",
  version,
  icons: serverIcons,
};

export const instructions = `Pictures with ComfyUI. generate_image needs only a prompt; img2img, inpaint, outpaint, upscale and remove_background take an image: a file path, a URL, or an image id of an earlier result.
A result has previews for you and, for the user, the place of each full picture: show it to them.
If a call answers that its task is queued or running, that is no error: call task_status with the task_id until it is done. Ids stay good across restarts; list_tasks finds lost ones.
If a workflow cannot run, the error says which model or node pack ComfyUI lacks: tell the user.`;

/** What is offered in every revision. */
export const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true },
  prompts: {},
  completions: {},
  logging: {},
  extensions: { "io.modelcontextprotocol/ui": {} },
};

/** A `tools/call` in words of no revision. */
export interface Incoming {
  name: string;
  args: unknown;
  meta: Readonly<Record<string, unknown>>;
  signal: AbortSignal;
  peer: Peer;
  sendProgress(progress: number, message: string): Promise<void>;
  log(level: "info" | "warning", message: string): void;
  ended(): Promise<Ended>;
  ask: Ask;
}

/**
 * What MCP serves, in words of no SDK and no revision: `sdk1.ts` and `sdk2.ts` translate. One for
 * each connection, or each request where there are none; cheap, for its state is in the app.
 */
export class Surface {
  readonly #deps: Deps;
  /** The workflows whose guide the client has been shown. */
  readonly #guided: Set<string>;
  readonly #madeFor = new Map<string, Map<string, Tool>>();
  readonly #unwatch: () => void;
  #askKey: Promise<Buffer> | undefined;
  /** The list of tools has changed. */
  onToolsChanged: () => void = () => {};

  constructor(deps: Deps, guided = new Set<string>()) {
    this.#deps = deps;
    this.#guided = guided;
    this.#unwatch = deps.catalog.onChange(() => {
      this.#madeFor.clear();
      this.onToolsChanged();
    });
  }

  close(): void {
    this.#unwatch();
  }

  /** In an order that changes only with the catalogue. */
  tools(peer: Peer): ToolEntry[] {
    const { schemas } = this.#deps;
    const offered = this.#offered(this.#toolsFor(peer)).filter(
      (tool) => !tool.appOnly || peer.apps,
    );
    return offered.map((tool) => {
      const entry = schemas?.entry(tool, peer) ?? entryOf(tool, peer);
      const isTask = this.hasTasks && tool.begin && peer.protocol === "2025-11-25";
      return isTask ? { ...entry, execution: { taskSupport: "optional" } } : entry;
    });
  }

  /** Throws `invalid_input` for a `_meta` that cannot be read; all else that is wrong is an answer. */
  async call(incoming: Incoming): Promise<Answer> {
    const call = this.#callOf(incoming);
    try {
      const tool = await this.#find(incoming);
      const answer = await tool.run(parseArguments(tool, incoming.args), call);
      return this.#noted(answer);
    } catch (error) {
      return this.#refused(incoming.name, error, call);
    }
  }

  #refused(tool: string, error: unknown, call: Call): Answer {
    if (error instanceof Asked) throw error;
    const text = this.#worded(tool, error);
    call.log("warning", text);
    return { content: [{ type: "text", text }], isError: true };
  }

  /** As `call`, but a tool that makes pictures makes its task and does not wait. */
  async start(incoming: Incoming): Promise<{ task: Task } | { answer: Answer }> {
    const call = this.#callOf(incoming);
    try {
      const tool = await this.#find(incoming);
      if (!tool.begin) return { answer: await this.call(incoming) };
      return { task: await tool.begin(parseArguments(tool, incoming.args), call) };
    } catch (error) {
      return { answer: this.#refused(incoming.name, error, call) };
    }
  }

  /** Signs the replies that a call made again carries; at least 32 bytes. */
  askKey(): Promise<Buffer> {
    this.#askKey ??= this.#deps.askKey?.() ?? Promise.resolve(randomBytes(32));
    return this.#askKey;
  }

  /** The experimental tasks of 2025-11-25 are offered. */
  get hasTasks(): boolean {
    return this.#deps.mcpTasks;
  }

  get studio(): Studio {
    return this.#deps.studio;
  }

  /** What the call of a task that has ended would have answered. Throws `not_found`. */
  async answerOf(id: string, peer: Peer): Promise<Answer> {
    const { studio, catalog } = this.#deps;
    const task = await studio.get(id);
    const answer = await renderEnded(task, studio, viewFor(peer, this.#deps));
    return withRecord(answer, task, studio, catalog, peer.apps);
  }

  resources(cursor?: string): Promise<Page<ResourceEntry>> {
    return listResources(this.#deps, cursor);
  }

  read(uri: string): Promise<ResourceContent | ResourceBytes> {
    return readResource(this.#deps, uri);
  }

  prompts(): readonly Prompt[] {
    return prompts;
  }

  /** Throws `not_found` and `invalid_input`. */
  prompt(name: string, args: Readonly<Record<string, string>>, ask: Ask | undefined) {
    return promptBlocks(this.#deps, name, args, ask);
  }

  /** Throws `not_found` for a prompt or a template that is not there. */
  complete(typed: Typed): Promise<Completions> {
    return completionsOf(this.#deps, typed);
  }

  templates(): readonly ResourceTemplate[] {
    return resourceTemplates;
  }

  /** Throws `not_found` for a resource that is not there. */
  async watch(uri: string, signal: AbortSignal, changed: () => Promise<void>): Promise<void> {
    await refuseUnlessThere(this.#deps, uri);
    const follow = async () => {
      for await (const _ of changesOf(this.#deps, uri, signal)) await changed();
    };
    follow().catch((error) => this.#deps.log.debug(`${uri}: ${String(error)}`));
  }

  #toolsFor({ name }: Peer, folder?: string): Map<string, Tool> {
    const key = JSON.stringify([name, folder]);
    const known = this.#madeFor.get(key);
    if (known) return known;
    const { studio } = this.#deps;
    // Whoever looks at a task later wants to know which program asked for it.
    const named = name === "" ? studio : studio.through("mcp", name);
    const deps = {
      ...this.#deps,
      studio: folder === undefined ? named : named.startingIn(folder),
    };
    const made = new Map(allTools(deps).map((tool) => [tool.name, tool]));
    this.#madeFor.set(key, made);
    return made;
  }

  #offered(tools: ReadonlyMap<string, Tool>): Tool[] {
    return [...tools.values()].filter((tool) => !this.#against(tool));
  }

  #against(tool: Tool): string | undefined {
    return withheld(tool, this.#deps.offer, this.#deps.studio);
  }

  async #find(incoming: Incoming): Promise<Tool> {
    const { name, peer } = incoming;
    const folder = await this.#folderOf(incoming);
    const tools = this.#toolsFor(peer, folder);
    const tool = tools.get(name);
    if (!tool || (tool.appOnly && !peer.apps)) {
      const known = this.#offered(tools).filter((one) => !one.appOnly);
      throw unknownTool(
        name,
        known.map((one) => one.name),
      );
    }
    const reason = this.#against(tool);
    if (reason) throw new AppError("forbidden", `${name} is not offered here: ${reason}.`);
    return tool;
  }

  /** Where the user of the client works, for a call that has a path starting there. */
  async #folderOf({ args, peer, ask }: Incoming): Promise<string | undefined> {
    const { folders } = this.#deps.studio.caller;
    if (folders.roots.length === 0 || !peer.capabilities.has("roots")) return undefined;
    return Object.values(Object(args)).flat().some(isRelativePath) ? folderOf(ask) : undefined;
  }

  #callOf({ meta, peer, signal, sendProgress, log, ended, ask }: Incoming): Call {
    const webhook = webhookIn(meta);
    const { progressToken } = meta;
    const isToken = typeof progressToken === "string" || typeof progressToken === "number";
    return {
      signal,
      sendProgress,
      log,
      ended,
      ask: peer.asks ? ask : undefined,
      client: peer,
      view: viewFor(peer, this.#deps),
      guided: this.#guided,
      progressToken: isToken ? progressToken : undefined,
      ...(webhook ? { webhook } : {}),
      label: textIn(meta, "label"),
      idempotencyKey: textIn(meta, "idempotency-key"),
    };
  }

  /** Trouble with the record of tasks is told with every answer, right after its first block. */
  #noted(answer: Answer): Answer {
    const { notice } = this.#deps.studio;
    if (notice === undefined) return answer;
    const [first, ...rest] = answer.content;
    const note = { type: "text" as const, text: `Note: ${notice}` };
    return { ...answer, content: first ? [first, note, ...rest] : [note] };
  }

  /** An `AppError` is written for its reader; anything else is a defect of ours and goes to the log. */
  #worded(tool: string, error: unknown): string {
    if (error instanceof AppError) return error.message;
    const id = randomUUID().slice(0, 8);
    this.#deps.log.error(
      `${tool} (${id}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    return `Internal error ${id} in ${tool}; the server's log has the details.`;
  }
}

function unknownTool(name: string, known: string[]): AppError {
  const close = nearest(name, known);
  const way =
    close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Tools: ${known.join(", ")}.`;
  return new AppError("not_found", `There is no tool ${JSON.stringify(name.slice(0, 60))}. ${way}`);
}
