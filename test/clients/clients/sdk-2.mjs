import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { demoServer } from "../server.mjs";
import { useTools } from "./sdk-1.mjs";

/** The official client of the second era. */
export async function run({ options }) {
  const client = new Client({ name: "sdk-client", version: "2.0.0" });
  await client.connect(new StdioClientTransport(demoServer(options)));
  try {
    return await useTools(client, (call) => client.callTool(call));
  } finally {
    await client.close();
  }
}
