// An MCP client that asks for one picture over stdio, as an assistant would.
// Usage: node examples/first-picture.mjs ["a prompt"] [-- options of comfy-easel, default --demo]
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const split = process.argv.indexOf("--");
const words = process.argv.slice(2, split < 0 ? undefined : split);
const prompt = words.join(" ") || "a fox in the snow";
const options = split < 0 ? ["--demo"] : process.argv.slice(split + 1);

const client = new Client({ name: "first-picture", version: "1.0.0" });
await client.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [fileURLToPath(new URL("../dist/cli.js", import.meta.url)), ...options],
    stderr: "inherit",
  }),
);

const { tools } = await client.listTools();
console.log(`tools: ${tools.map((tool) => tool.name).join(", ")}`);
console.log(`generate_image { prompt: ${JSON.stringify(prompt)} }`);

const result = await client.callTool({ name: "generate_image", arguments: { prompt } }, undefined, {
  onprogress: ({ progress, message }) =>
    console.log(`  ${String(Math.floor(progress * 100)).padStart(3)} %  ${message}`),
  resetTimeoutOnProgress: true,
});
for (const block of result.content) {
  if (block.type === "text") console.log(block.text);
  else if (block.type === "image")
    console.log(`[preview: ${block.mimeType}, ${block.data.length} characters of base64]`);
  else console.log(`[link: ${block.uri}]`);
}
await client.close();

if (result.isError) process.exit(1);
const [, path] = result.content[0].text.match(/\n {2}(\S.*)/) ?? [];
console.log(path ?? "no path in the answer");
