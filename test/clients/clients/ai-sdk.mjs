import { createAnthropic } from "@ai-sdk/anthropic";
import { createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport as StdioTransport } from "@ai-sdk/mcp/mcp-stdio";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs } from "ai";
import { startModelEndpoint } from "../model-endpoint.mjs";
import { demoServer, generate } from "../server.mjs";
import { shownIn } from "../shown.mjs";

/** Vercel's AI SDK; `mode` is the model's API: responses, chat or anthropic. */
export async function run({ mode, options }) {
  const endpoint = await startModelEndpoint(generate);
  const client = await createMCPClient({ transport: new StdioTransport(demoServer(options)) });
  try {
    const tools = await client.tools();
    await generateText({
      model: modelFor(mode, `${endpoint.url}/v1`),
      tools,
      prompt: "draw",
      stopWhen: stepCountIs(3),
    });
    return { tools: Object.keys(tools).length, ...shownIn(endpoint.bodies) };
  } finally {
    await client.close();
    await endpoint.close();
  }
}

function modelFor(mode, baseURL) {
  if (mode === "anthropic")
    return createAnthropic({ baseURL, apiKey: "none" })("claude-sonnet-4-5");
  const openai = createOpenAI({ baseURL, apiKey: "none" });
  return mode === "chat" ? openai.chat("gpt-4o") : openai.responses("gpt-4o");
}
