import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Task } from "../../tasks/task.ts";
import type { Webhook } from "../../webhooks/webhook.ts";
import type { Answer, JsonSchema, ToolEntry } from "./answer.ts";
import { appUri } from "./app-record.ts";
import { readArguments } from "./arguments.ts";
import { hostFileSchema } from "./given-image.ts";
import { iconsOf } from "./icons.ts";
import type { Peer } from "./peer.ts";
import type { Ask } from "./question.ts";
import { wordIssues } from "./refusals.ts";
import type { View } from "./view.ts";

/** What a call brings besides its arguments. */
export interface Call {
  signal: AbortSignal;
  client: Peer;
  /** What an answer may hold for this client. */
  view: View;
  /** The workflows whose guide this connection has been shown. */
  guided: Set<string>;
  /** Missing when the client asked for no progress; 0 and "" are tokens like any other. */
  progressToken: string | number | undefined;
  sendProgress(progress: number, message: string): Promise<void>;
  /** Of the request's `_meta`, so that no model sees a secret; the URL may be an argument too. */
  webhook?: Partial<Webhook>;
  /** Also of `_meta`: the caller's word for the task, and what tells a call made twice. */
  label?: string | undefined;
  idempotencyKey?: string | undefined;
  /** What the client meant by ending the call; each revision of MCP has a rule of its own. */
  ended(): Promise<Ended>;
  /** Undefined where nobody can be asked. */
  ask?: Ask | undefined;
  /** For a client that has asked for log messages. */
  log(level: "info" | "warning", message: string): void;
}

/** "cancelled": the work is not wanted any more. "detached": only the waiting has ended. */
export type Ended = "cancelled" | "detached";

export interface Tool {
  name: string;
  title: string;
  description: string;
  input: z.ZodObject;
  /** Parameters that hold a picture, which a host may fill from its chat. */
  pictures?: readonly string[];
  /** Parameters that are taken, but that the list shows at another tool alone. */
  unlisted?: readonly string[];
  /** What is checked instead where other arguments allow to leave something out. */
  relaxed?(args: Readonly<Record<string, unknown>>): z.ZodObject | undefined;
  /** Asked by the studio's page in a chat; no model is offered it. */
  appOnly?: boolean;
  /** Only on tools without pictures: clients drop the images of a result that is structured. */
  output?: z.ZodObject;
  annotations: {
    readOnlyHint: boolean;
    destructiveHint: boolean;
    idempotentHint: boolean;
    openWorldHint: boolean;
  };
  run(args: Record<string, unknown>, call: Call): Promise<Answer>;
  /** Makes the task and does not wait for it; only of tools that make pictures. */
  begin?(args: Record<string, unknown>, call: Call): Promise<Task>;
}

/** The tool as `tools/list` shows it to this client. */
export function entryOf(tool: Tool, client?: Peer): ToolEntry {
  const { pictures = [] } = tool;
  const inputSchema = jsonSchema(tool.input, tool.unlisted);
  if (client !== undefined && fillsFiles(client)) declareFiles(inputSchema, pictures);
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema,
    ...(tool.output ? { outputSchema: jsonSchema(tool.output) } : {}),
    annotations: unusual(tool.annotations),
    ...entryExtras(tool, pictures, client),
  };
}

function entryExtras(
  { name, appOnly, begin }: Tool,
  pictures: readonly string[],
  client: Peer | undefined,
): Pick<ToolEntry, "icons" | "_meta"> {
  const icons = client && iconsOf(name, client);
  const isShown = client?.apps && (begin || name === "task_status");
  const meta = {
    ...(pictures.length > 0 ? { "openai/fileParams": pictures } : {}),
    // Hosts read one or the other (ext-apps, 2026-01-26 and before).
    ...(isShown ? { ui: { resourceUri: appUri }, "ui/resourceUri": appUri } : {}),
    ...(appOnly ? { ui: { visibility: ["app"] } } : {}),
  };
  return {
    ...(icons ? { icons } : {}),
    ...(Object.keys(meta).length > 0 ? { _meta: meta } : {}),
  };
}

/** Hints at their default value only cost tokens (MCP 2025-11-25, `ToolAnnotations`). */
const usual: Tool["annotations"] = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/** These two say nothing of a tool that only reads (same place). */
const ofWriters: readonly string[] = ["destructiveHint", "idempotentHint"];

function unusual(annotations: Tool["annotations"]): Partial<Tool["annotations"]> {
  const keys = Object.keys(usual) as (keyof typeof usual)[];
  const kept = keys.filter(
    (key) =>
      annotations[key] !== usual[key] && !(annotations.readOnlyHint && ofWriters.includes(key)),
  );
  return Object.fromEntries(kept.map((key) => [key, annotations[key]]));
}

/** ChatGPT's connection is called openai-mcp, and wants a file parameter declared as an object. */
export function fillsFiles({ name }: Peer): boolean {
  return name === "openai-mcp";
}

function declareFiles(schema: JsonSchema, pictures: readonly string[]): void {
  const { properties = {} } = schema;
  for (const name of pictures) {
    const { description, type } = properties[name] as { description?: string; type?: string };
    properties[name] = { description, anyOf: [{ type }, hostFileSchema] };
  }
}

function jsonSchema(schema: z.ZodObject, unlisted: readonly string[] = []): JsonSchema {
  // That other parameters are refused is said when they come.
  const { $schema, additionalProperties, ...rest } = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    override: ({ jsonSchema: shown, path }) => {
      // Said in words when it happens; in the list they would be read, and paid, every time.
      if (shown.minLength === 1) delete shown.minLength;
      if (shown.type === "array") delete shown.maxItems;
      if (!quietLimits.includes(String(path.at(-1)))) return;
      delete shown.minimum;
      delete shown.maximum;
    },
  });
  for (const name of unlisted) delete rest.properties?.[name];
  return rest as JsonSchema;
}

/** Limits that nobody comes near, or that the description says. */
const quietLimits = ["seed", "wait_seconds", "left", "top", "right", "bottom"];

/** Checks the arguments; what is wrong is said by name, value and way out. */
export function parseArguments(tool: Tool, args: unknown): Record<string, unknown> {
  const given = typeof args === "object" && args !== null ? { ...args } : {};
  const read = readArguments(tool, given);
  const parsed = (tool.relaxed?.(read) ?? tool.input).safeParse(read);
  if (parsed.success) return parsed.data;
  throw new AppError("invalid_input", wordIssues(tool, parsed.error.issues, given).join("\n"));
}
