import { demoServer, generate } from "../server.mjs";

/** The official client of the first era; `mode` is the package, old or new. */
export async function run({ mode, options }) {
  const { Client } = await import(`${mode}/client/index.js`);
  const { StdioClientTransport } = await import(`${mode}/client/stdio.js`);
  const client = new Client({ name: "sdk-client", version: "1.0.0" });
  await client.connect(new StdioClientTransport(demoServer(options)));
  try {
    return await useTools(client, (call) => client.callTool(call));
  } finally {
    await client.close();
  }
}

/** A picture, a change of it, a record, a deletion: no answer may make the client throw. */
export async function useTools(client, callTool) {
  const { tools } = await client.listTools();
  const call = (name, args) => callTool({ name, arguments: args });
  const made = await call(generate.name, generate.args);
  const id = /image (t[0-9a-z]+-1)/.exec(made.content[0].text)?.[1];
  const others = [
    await call("remove_background", { image: id }),
    await call("task_status", { task_id: id }),
    await call("get_image", { image_id: id }),
    await call("list_tasks", {}),
    await call("delete_tasks", { task_ids: [id.slice(0, -2)], dry_run: true }),
  ];
  const failed = others.find(({ isError }) => isError);
  if (failed) throw new Error(failed.content[0].text);
  return {
    tools: tools.length,
    blocks: made.content.map(({ type }) => type),
    characters: made.content.reduce((sum, { text = "" }) => sum + text.length, 0),
    text: made.content.map(({ text = "" }) => text).join("\n"),
  };
}
