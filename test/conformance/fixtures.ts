import { setTimeout as delay } from "node:timers/promises";
import { completable } from "@modelcontextprotocol/sdk/server/completable.js";
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  type CallToolResult,
  CreateMessageResultSchema,
  ElicitResultSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

/** 1 x 1, red. */
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/** No sample. */
const wav = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

/** A server with all that the conformance suite asks for by name, to go through our transport. */
export function fixtureServer(): McpServer {
  const mcp = new McpServer(
    { name: "fixtures", version: "1.0.0" },
    { capabilities: { logging: {}, resources: { subscribe: true }, completions: {} } },
  );
  contentTools(mcp);
  talkingTools(mcp);
  elicitingTools(mcp);
  resources(mcp);
  prompts(mcp);
  return mcp;
}

function text(words: string): CallToolResult {
  return { content: [{ type: "text", text: words }] };
}

function contentTools(mcp: McpServer): void {
  const answers: Record<string, CallToolResult> = {
    test_simple_text: text("This is a simple text response for testing."),
    test_image_content: { content: [{ type: "image", data: png, mimeType: "image/png" }] },
    test_audio_content: { content: [{ type: "audio", data: wav, mimeType: "audio/wav" }] },
    test_embedded_resource: {
      content: [
        {
          type: "resource",
          resource: {
            uri: "test://embedded-resource",
            mimeType: "text/plain",
            text: "This is an embedded resource content.",
          },
        },
      ],
    },
    test_multiple_content_types: {
      content: [
        { type: "text", text: "Multiple content types test:" },
        { type: "image", data: png, mimeType: "image/png" },
        {
          type: "resource",
          resource: {
            uri: "test://mixed-content-resource",
            mimeType: "application/json",
            text: JSON.stringify({ test: "data", value: 123 }),
          },
        },
      ],
    },
  };
  for (const [name, answer] of Object.entries(answers)) {
    mcp.registerTool(name, { description: name, inputSchema: z.object({}) }, () => answer);
  }
  mcp.registerTool(
    "test_error_handling",
    { description: "Fails", inputSchema: z.object({}) },
    () => {
      throw new Error("This tool intentionally returns an error for testing");
    },
  );
}

function talkingTools(mcp: McpServer): void {
  mcp.registerTool(
    "test_tool_with_logging",
    { description: "Logs", inputSchema: z.object({}) },
    async (_args, extra) => {
      for (const data of [
        "Tool execution started",
        "Tool processing data",
        "Tool execution completed",
      ]) {
        await extra.sendNotification({
          method: "notifications/message",
          params: { level: "info", data },
        });
        // The suite asks for a pause.
        await delay(50);
      }
      return text("Logged.");
    },
  );
  mcp.registerTool(
    "test_tool_with_progress",
    { description: "Tells progress", inputSchema: z.object({}) },
    async (_args, extra) => {
      const progressToken = extra._meta?.progressToken ?? 0;
      for (const progress of [0, 50, 100]) {
        await extra.sendNotification({
          method: "notifications/progress",
          params: { progressToken, progress, total: 100 },
        });
        await delay(50);
      }
      return text(String(progressToken));
    },
  );
  mcp.registerTool(
    "test_sampling",
    { description: "Samples", inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, extra) => {
      const messages = [
        { role: "user" as const, content: { type: "text" as const, text: prompt } },
      ];
      const { content } = await extra.sendRequest(
        { method: "sampling/createMessage", params: { messages, maxTokens: 100 } },
        CreateMessageResultSchema,
      );
      return text(`LLM response: ${content.type === "text" ? content.text : ""}`);
    },
  );
}

function elicitingTools(mcp: McpServer): void {
  const forms: Record<string, Record<string, object>> = {
    test_elicitation: {
      username: { type: "string", description: "User's response" },
      email: { type: "string", description: "User's email address" },
    },
    test_elicitation_sep1034_defaults: {
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", default: true },
    },
    test_elicitation_sep1330_enums: {
      untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
      titledSingle: { type: "string", oneOf: titled("value") },
      legacyEnum: {
        type: "string",
        enum: ["opt1", "opt2", "opt3"],
        enumNames: ["Option One", "Option Two", "Option Three"],
      },
      untitledMulti: {
        type: "array",
        items: { type: "string", enum: ["option1", "option2", "option3"] },
      },
      titledMulti: { type: "array", items: { anyOf: titled("value") } },
    },
  };
  for (const [name, properties] of Object.entries(forms)) {
    mcp.registerTool(
      name,
      { description: name, inputSchema: z.object({ message: z.string().optional() }) },
      async ({ message = "Please fill in" }, extra) => {
        const required = name === "test_elicitation" ? Object.keys(properties) : [];
        const requestedSchema = { type: "object" as const, properties, required };
        const answer = await extra.sendRequest(
          { method: "elicitation/create", params: { message, requestedSchema } as never },
          ElicitResultSchema,
        );
        return text(
          `Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content)}`,
        );
      },
    );
  }
}

function titled(prefix: string): { const: string; title: string }[] {
  return ["One", "Two", "Three"].map((title, i) => ({ const: `${prefix}${i + 1}`, title }));
}

function resources(mcp: McpServer): void {
  const plain = { mimeType: "text/plain" };
  mcp.registerResource("static-text", "test://static-text", plain, (uri) => ({
    contents: [
      { uri: uri.href, ...plain, text: "This is the content of the static text resource." },
    ],
  }));
  mcp.registerResource(
    "static-binary",
    "test://static-binary",
    { mimeType: "image/png" },
    (uri) => ({
      contents: [{ uri: uri.href, mimeType: "image/png", blob: png }],
    }),
  );
  mcp.registerResource("watched", "test://watched-resource", plain, (uri) => ({
    contents: [{ uri: uri.href, ...plain, text: "Watched" }],
  }));
  mcp.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { mimeType: "application/json" },
    (uri, { id }) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: "application/json",
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
        },
      ],
    }),
  );
  mcp.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  mcp.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
}

function prompts(mcp: McpServer): void {
  const says = (...content: object[]) => ({
    messages: content.map((one) => ({ role: "user" as const, content: one as never })),
  });
  mcp.registerPrompt("test_simple_prompt", { description: "Simple" }, () =>
    says({ type: "text", text: "This is a simple prompt for testing." }),
  );
  const argument = completable(z.string(), (value) =>
    ["hello", "world"].filter((word) => word.startsWith(value)),
  );
  mcp.registerPrompt(
    "test_prompt_with_arguments",
    { description: "Arguments", argsSchema: { arg1: argument, arg2: z.string() } },
    ({ arg1, arg2 }) =>
      says({ type: "text", text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` }),
  );
  mcp.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "Resource", argsSchema: { resourceUri: z.string() } },
    ({ resourceUri }) =>
      says(
        {
          type: "resource",
          resource: { uri: resourceUri, mimeType: "text/plain", text: "Embedded for testing." },
        },
        { type: "text", text: "Please process the embedded resource above." },
      ),
  );
  mcp.registerPrompt("test_prompt_with_image", { description: "Image" }, () =>
    says(
      { type: "image", data: png, mimeType: "image/png" },
      { type: "text", text: "Please analyze the image above." },
    ),
  );
}
