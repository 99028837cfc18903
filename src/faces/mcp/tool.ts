import type { CallToolResult, Tool as ToolEntry } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Webhook } from "../../webhooks/webhook.ts";
import { nearest } from "../../words.ts";

/** What a call brings besides its arguments. */
export interface Call {
  signal: AbortSignal;
  /** Missing when the client asked for no progress; 0 and "" are tokens like any other. */
  progressToken: string | number | undefined;
  sendProgress(progress: number, message: string): Promise<void>;
  /** Of the request's `_meta`, so that no model sees a secret; the URL may be an argument too. */
  webhook?: Partial<Webhook>;
  /** Also of `_meta`: the caller's word for the task, and what tells a call made twice. */
  label?: string | undefined;
  idempotencyKey?: string | undefined;
  /** False once the client has gone; tells a lost connection from a wish to cancel. */
  isConnected(): boolean;
}

export interface Tool {
  name: string;
  title: string;
  description: string;
  input: z.ZodObject;
  /** Only on tools without pictures: clients drop the images of a result that is structured. */
  output?: z.ZodObject;
  annotations: {
    readOnlyHint: boolean;
    destructiveHint: boolean;
    idempotentHint: boolean;
    openWorldHint: boolean;
  };
  run(args: Record<string, unknown>, call: Call): Promise<CallToolResult>;
}

/** The tool as `tools/list` shows it. */
export function entryOf(tool: Tool): ToolEntry {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: jsonSchema(tool.input),
    ...(tool.output ? { outputSchema: jsonSchema(tool.output) } : {}),
    annotations: unusual(tool.annotations),
  };
}

/** Hints at their default value only cost tokens (MCP 2025-11-25, `ToolAnnotations`). */
const usual: Tool["annotations"] = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

function unusual(annotations: Tool["annotations"]): Partial<Tool["annotations"]> {
  const keys = Object.keys(usual) as (keyof typeof usual)[];
  const kept = keys.filter((key) => annotations[key] !== usual[key]);
  return Object.fromEntries(kept.map((key) => [key, annotations[key]]));
}

function jsonSchema(schema: z.ZodObject): ToolEntry["inputSchema"] {
  // That other parameters are refused is said when they come.
  const { $schema, additionalProperties, ...rest } = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
  });
  return rest as ToolEntry["inputSchema"];
}

/** Checks the arguments; what is wrong is said by name, value and way out. */
export function parseArguments(tool: Tool, args: unknown): Record<string, unknown> {
  const parsed = tool.input.safeParse(withoutNulls(args));
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.flatMap((issue) => wordIssue(tool, issue, args));
  throw new AppError("invalid_input", lines.join("\n"));
}

/** Models in strict function calling send null for every parameter they leave out. */
function withoutNulls(args: unknown): unknown {
  if (typeof args !== "object" || args === null) return args ?? {};
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
}

function wordIssue(tool: Tool, issue: z.core.$ZodIssue, args: unknown): string[] {
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    return issue.keys.map((key) => wordUnknown(tool, key));
  }
  const value = valueAt(args, issue.path);
  const name = issue.path.join(".") || "arguments";
  if (value === undefined) return [`${name}: missing. ${hint(tool, issue.path[0])}`.trim()];
  return [`${name}: ${issue.message}; got ${shown(value)}.`];
}

function wordUnknown(tool: Tool, key: string): string {
  const known = Object.keys(tool.input.shape);
  const close = nearest(key, known);
  const way =
    close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Known: ${known.join(", ")}.`;
  return `${key}: ${tool.name} has no such parameter. ${way}`;
}

function hint(tool: Tool, parameter: PropertyKey | undefined): string {
  const schema = parameter === undefined ? undefined : tool.input.shape[String(parameter)];
  return z.globalRegistry.get(schema as z.ZodType)?.description ?? "";
}

function valueAt(args: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    args,
  );
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
