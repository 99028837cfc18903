import { createOpenAI } from "@ai-sdk/openai";
import { Agent } from "@mastra/core/agent";
import { MCPClient } from "@mastra/mcp";
import { startModelEndpoint } from "../model-endpoint.mjs";
import { demoServer, generate } from "../server.mjs";
import { shownIn } from "../shown.mjs";

/** Mastra's agents, which name a tool after its server too. */
export async function run({ options }) {
  const endpoint = await startModelEndpoint({ ...generate, name: `easel_${generate.name}` });
  const mcp = new MCPClient({ id: "easel", servers: { easel: demoServer(options) } });
  try {
    const tools = await mcp.listTools();
    const openai = createOpenAI({ baseURL: `${endpoint.url}/v1`, apiKey: "none" });
    const agent = new Agent({
      id: "painter",
      name: "painter",
      instructions: "paint",
      model: openai.responses("gpt-4o"),
      tools,
    });
    await agent.generate("draw", { maxSteps: 3 });
    return { tools: Object.keys(tools).length, ...shownIn(endpoint.bodies) };
  } finally {
    await mcp.disconnect();
    await endpoint.close();
  }
}
