import { Agent, MCPServerStdio, OpenAIProvider, Runner, setTracingDisabled } from "@openai/agents";
import { startModelEndpoint } from "../model-endpoint.mjs";
import { demoServer, generate } from "../server.mjs";
import { shownIn } from "../shown.mjs";

/** OpenAI's agents; `mode` is the API: responses, chat or strict (responses, strict schemas). */
export async function run({ mode, options }) {
  setTracingDisabled(true);
  const { command, args } = demoServer(options);
  const server = new MCPServerStdio({ command, args, name: "comfy-easel", timeout: 60_000 });
  const nulls = { negative_prompt: null, styles: null, seed: null, count: null, workflow: null };
  const call = mode === "strict" ? { ...generate, args: { ...nulls, ...generate.args } } : generate;
  const endpoint = await startModelEndpoint(call);
  const provider = new OpenAIProvider({
    baseURL: `${endpoint.url}/v1`,
    apiKey: "none",
    useResponses: mode !== "chat",
  });
  await server.connect();
  try {
    const agent = new Agent({
      name: "painter",
      model: "model",
      mcpServers: [server],
      mcpConfig: { convertSchemasToStrict: mode === "strict" },
    });
    await new Runner({ modelProvider: provider }).run(agent, "draw");
    const [first] = endpoint.bodies;
    const tools = first.body.tools.map((tool) => tool.function ?? tool);
    const strict = tools.filter(({ strict: isStrict }) => isStrict).length;
    if (mode === "strict" && strict !== tools.length) {
      throw new Error(`only ${strict} of ${tools.length} schemas are strict`);
    }
    return { tools: tools.length, ...shownIn(endpoint.bodies) };
  } finally {
    await server.close();
    await endpoint.close();
  }
}
