import { ChatAnthropic } from "@langchain/anthropic";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import { startModelEndpoint } from "../model-endpoint.mjs";
import { demoServer, generate } from "../server.mjs";
import { shownIn } from "../shown.mjs";

/** LangChain's MCP adapters; `mode` is the model's API: openai, responses or anthropic. */
export async function run({ mode, options }) {
  const endpoint = await startModelEndpoint(generate);
  const client = new MultiServerMCPClient({
    mcpServers: { easel: { transport: "stdio", ...demoServer(options) } },
  });
  try {
    const tools = await client.getTools();
    const agent = createAgent({ model: modelFor(mode, endpoint.url), tools });
    await agent.invoke({ messages: [{ role: "user", content: "draw" }] });
    return { tools: tools.length, ...shownIn(endpoint.bodies) };
  } finally {
    await client.close();
    await endpoint.close();
  }
}

function modelFor(mode, url) {
  if (mode === "anthropic") {
    return new ChatAnthropic({ model: "claude-sonnet-4-5", apiKey: "none", anthropicApiUrl: url });
  }
  return new ChatOpenAI({
    model: "gpt-4o",
    apiKey: "none",
    configuration: { baseURL: `${url}/v1` },
    useResponsesApi: mode === "responses",
  });
}
