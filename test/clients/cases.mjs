const seen = ["text", "image"];

/**
 * Every client with what its model must be shown of one picture. `own` says what is the client's
 * own doing, and would be so with any server; a change of it is a failure here too, to be looked at.
 */
export const cases = [
  { client: "MCP SDK 1.10.2 (2024-11-05)", file: "sdk-1", mode: "sdk-1.10", blocks: seen },
  { client: "MCP SDK 1.x", file: "sdk-1", mode: "@modelcontextprotocol/sdk", blocks: seen },
  { client: "MCP SDK 2.x", file: "sdk-2", blocks: seen },
  { client: "OpenAI Agents, Responses", file: "openai-agents", mode: "responses", blocks: seen },
  { client: "OpenAI Agents, strict", file: "openai-agents", mode: "strict", blocks: seen },
  {
    client: "OpenAI Agents, Chat Completions",
    file: "openai-agents",
    mode: "chat",
    blocks: ["text"],
    own: "that API has no pictures in tool results",
  },
  { client: "LangChain, ChatOpenAI", file: "langchain", mode: "openai", node: 22, blocks: seen },
  {
    client: "LangChain, ChatOpenAI Responses",
    file: "langchain",
    mode: "responses",
    node: 22,
    blocks: seen,
  },
  {
    client: "LangChain, ChatAnthropic",
    file: "langchain",
    mode: "anthropic",
    node: 22,
    blocks: seen,
  },
  { client: "Vercel AI SDK, Responses", file: "ai-sdk", mode: "responses", node: 22, blocks: seen },
  { client: "Vercel AI SDK, Anthropic", file: "ai-sdk", mode: "anthropic", node: 22, blocks: seen },
  {
    client: "Vercel AI SDK, Chat Completions",
    file: "ai-sdk",
    mode: "chat",
    node: 22,
    blocks: ["text"],
    isBase64: true,
    own: "makes one text of a result with pictures",
  },
  {
    client: "the same, --result-images omit",
    file: "ai-sdk",
    mode: "chat",
    node: 22,
    options: ["--result-images", "omit"],
    blocks: ["text"],
  },
  { client: "Mastra", file: "mastra", node: 22, blocks: ["text"], own: "drops pictures" },
  {
    client: "MCP Inspector, command line",
    file: "inspector",
    node: 22,
    blocks: [...seen, "resource_link"],
  },
];
