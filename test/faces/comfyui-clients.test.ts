import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { Comfy, emptyImage, type Json, saveImage, types } from "../contract/support.ts";
import { served, square } from "./served.ts";

const easel = served({ ownPorts: { comfyuiPort: 0 } });

const comfy = () => new Comfy(easel.server.own.comfyuiPort ?? "");
const statusesOf = (comfy: Comfy, paths: readonly string[], init?: RequestInit) =>
  Promise.all(paths.map(async (path) => [path, (await comfy.fetch(path, init)).status]));

/** Bodies as text, with no Content-Type of their own. */
async function prompt(comfy: Comfy, body: unknown, query = ""): Promise<Json> {
  const init = { method: "POST", body: JSON.stringify(body) };
  return (await comfy.fetch(`/prompt${query}`, init)).json();
}

test("what @stable-canvas/comfyui-client sends: its id in every address, results from its socket", async () => {
  const client = comfy();
  const listener = await client.connect();
  const query = `?clientId=${listener.clientId}`;
  const graph = { "1": emptyImage(), "2": saveImage(["1", 0], "stable") };
  const body = { client_id: listener.clientId, prompt: graph };
  const extra_data = { extra_pnginfo: { workflow: { nodes: [] } } };

  const taken = await prompt(client, { ...body, extra_data }, query);
  await listener.end(taken.prompt_id);
  const { frames } = listener;
  const history = await client.json(`/history${query}&max_items=200`);
  const asked = ["/queue", "/extensions", "/embeddings", "/object_info", "/system_stats"];
  const paths = [...asked, "/users", "/settings", "/experiment/models/loras"];
  const answers = await statusesOf(
    client,
    paths.map((path) => `${path}${query}`),
  );
  const interrupt = await client.fetch(`/interrupt${query}`, { method: "POST" });

  const executed = frames.find(({ type }) => type === "executed");
  expect(executed?.data).toMatchObject({ prompt_id: taken.prompt_id, node: "2" });
  expect(types(frames)).toContain("execution_success");
  const [file] = executed?.data.output.images ?? [];
  expect(file.filename).toMatch(/^stable_\d{5}_\.png$/);
  expect(Object.keys(history)).toEqual([taken.prompt_id]);
  expect(answers.filter(([, status]) => status !== 200)).toEqual([]);
  expect(interrupt.status).toBe(200);
});

test("what @saintno/comfyui-sdk sends: a look for packs, the queue, then the history and the file", async () => {
  const client = comfy();
  const packs = await statusesOf(client, [
    ...["/manager/version", "/object_info/Primitive%20boolean%20%5BCrystools%5D"],
    "/internal/logs/raw",
  ]);
  const facts = ["/prompt", "/system_stats", "/extensions", "/embeddings", "/experiment/models"];
  const nodes = ["CheckpointLoaderSimple", "LoraLoader", "KSampler"];
  const known = await statusesOf(client, [
    ...facts,
    ...nodes.map((name) => `/object_info/${name}`),
  ]);
  const listener = await client.connect();
  const graph = { "1": emptyImage(), "2": saveImage(["1", 0], "saintno") };
  const { prompt_id: id } = await prompt(client, { client_id: listener.clientId, prompt: graph });
  const queue = await client.json("/queue");
  await listener.end(id);
  const { [id]: entry } = await client.json(`/history/${id}`);
  const [file] = entry.outputs["2"].images;
  const view = `/view?filename=${file.filename}&type=output&subfolder=`;
  const picture = await client.fetch(view);
  const form = new FormData();
  form.append("image", new Blob([new Uint8Array(await square(8, "#123456"))]), "sa.png");
  form.append("type", "input");
  form.append("overwrite", "true");
  const uploaded = await client.fetch("/upload/image", { method: "POST", body: form });

  // Neither is there: it goes on without them.
  expect(packs.map(([, status]) => status)).toEqual([404, 200, 501]);
  expect(known.filter(([, status]) => status !== 200)).toEqual([]);
  expect(Object.keys(queue)).toEqual(["queue_running", "queue_pending"]);
  expect(entry.status).toMatchObject({ status_str: "success", completed: true });
  expect(picture.headers.get("content-type")).toBe("image/png");
  expect(await uploaded.json()).toEqual({ name: "sa.png", subfolder: "", type: "input" });
});

test("what ComfyUI's script_examples send: an id of their own, the history, and pictures over the socket", async () => {
  const client = comfy();
  const listener = await client.connect();
  const prompt_id = randomUUID();
  const graph = {
    "1": emptyImage({ batch_size: 2 }),
    save_image_websocket_node: { class_type: "SaveImageWebsocket", inputs: { images: ["1", 0] } },
  };

  const bare = await prompt(client, { prompt: { "1": emptyImage(), "2": saveImage(["1", 0]) } });
  const taken = await prompt(client, { prompt: graph, client_id: listener.clientId, prompt_id });
  await listener.end(prompt_id);
  const { frames } = listener;

  expect(bare.prompt_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(taken.prompt_id).toBe(prompt_id);
  // A picture belongs to the node that was last said to be executed; its first eight bytes say what it is.
  const sent: string[] = [];
  let node = "";
  for (const { type, data, bytes } of frames) {
    if (type === "executing" && data.prompt_id === prompt_id) node = data.node ?? "";
    if (bytes && node === "save_image_websocket_node") {
      sent.push(bytes.subarray(8, 16).toString("hex"));
    }
  }
  expect(sent).toEqual(["89504e470d0a1a0a", "89504e470d0a1a0a"]);
});
