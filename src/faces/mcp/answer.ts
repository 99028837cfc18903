import type { Prompt } from "./prompts.ts";

/** One part of an answer, spelt as MCP does (`ContentBlock`). */
export type Block =
  | { type: "text"; text: string }
  | { type: "image"; data: string; mimeType: string }
  | {
      type: "resource_link";
      uri: string;
      name: string;
      title: string;
      mimeType: string;
      size: number;
    };

/** What a tool answers, whatever revision its client speaks. */
export interface Answer {
  content: Block[];
  /** Only of tools without pictures: clients drop the images of a result that is structured. */
  structured?: Record<string, unknown>;
  isError?: boolean;
  /** For the host's program and never for its model: `_meta`. */
  meta?: Record<string, unknown>;
}

/** As `tools/call` spells it in every revision. */
export function resultOf({ content, structured, isError, meta }: Answer) {
  return {
    content,
    ...(structured ? { structuredContent: structured } : {}),
    ...(isError ? { isError: true } : {}),
    ...(meta ? { _meta: meta } : {}),
  };
}

export interface JsonSchema {
  type: "object";
  properties?: Record<string, object>;
  required?: string[];
  [key: string]: unknown;
}

/** A tool as `tools/list` shows it. */
export interface ToolEntry {
  name: string;
  title: string;
  description: string;
  inputSchema: JsonSchema;
  outputSchema?: JsonSchema;
  annotations: object;
  icons?: Icon[];
  execution?: { taskSupport: "optional" };
  _meta?: Record<string, unknown>;
}

/** MCP 2025-11-25, `Icon`. */
export interface Icon {
  src: string;
  mimeType: string;
  sizes: string[];
}

export interface ResourceEntry {
  uri: string;
  name: string;
  title: string;
  mimeType: string;
  size?: number;
  _meta?: Record<string, unknown>;
}

export interface ResourceTemplate {
  uriTemplate: string;
  name: string;
  title: string;
  description: string;
  mimeType?: string;
}

export interface ResourceContent {
  uri: string;
  mimeType: string;
  text: string;
  _meta?: Record<string, unknown>;
}

export interface ResourceBytes {
  uri: string;
  mimeType: string;
  /** Base64. */
  blob: string;
}

export interface Page<T> {
  entries: T[];
  /** Where the next page begins; undefined on the last. */
  next: string | undefined;
}

/** As `prompts/list` spells it. */
export function promptEntry({ name, title, description, arguments: all }: Prompt) {
  return {
    name,
    title,
    description,
    arguments: all.map(({ of: _, ...argument }) => argument),
  };
}

/** As `prompts/get` spells it. */
export function promptResult({ description, blocks }: { description: string; blocks: Block[] }) {
  return {
    description,
    messages: blocks.map((content) => ({ role: "user" as const, content })),
  };
}
