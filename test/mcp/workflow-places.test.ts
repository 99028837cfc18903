import { once } from "node:events";
import { copyFile, rm } from "node:fs/promises";
import { request as ask, createServer } from "node:http";
import { type AddressInfo, connect as connectTcp } from "node:net";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ObjectInfo } from "../../src/comfy/protocol.ts";
import { filesFor } from "../../src/workflows/combo.ts";
import { editor, type GraphSketch, textToImage } from "../fixtures/editor/graphs.ts";
import { call, connect, startApp, startEmulator } from "../support/world.ts";

/** A real ComfyUI, and the `models` folder that it reads. */
const live = process.env["COMFY_URL"];
const modelsDir = process.env["COMFY_MODELS"];

const models = { checkpoints: ["v1-5-pruned-emaonly-fp16.safetensors"] };

async function comfy() {
  const emulator = live === undefined ? await startEmulator({ models }) : undefined;
  const url = live ?? emulator?.url ?? "";
  const info = (await (await fetch(`${url}/object_info`)).json()) as ObjectInfo;
  return {
    url,
    checkpoint: filesFor(info, "CheckpointLoaderSimple", "ckpt_name")[0] ?? "none",
    emulator,
  };
}

/** A text to image workflow of one step, small enough for a processor. */
function drawn(checkpoint: string, extra: GraphSketch["extra"] = {}, properties = {}) {
  const { nodes, links } = textToImage();
  const values: Record<number, unknown[]> = {
    1: [checkpoint],
    4: [64, 64, 1],
    5: [7, "randomize", 1, 8, "euler", "normal", 1],
  };
  const own = nodes.map((node) => ({
    ...node,
    ...(values[node.id] && { values: values[node.id] }),
    ...(node.id === 1 && { properties }),
  }));
  return editor({ nodes: own, links, extra });
}

test("a workflow saved in ComfyUI with App Mode is a tool of its own, and runs", async () => {
  const { url, checkpoint } = await comfy();
  const name = `easel app ${Date.now().toString(36)}`;
  const file = `${url}/api/userdata/${encodeURIComponent(`workflows/${name}.json`)}`;
  const linearData = {
    inputs: [
      ["4", "width"],
      ["5", "steps"],
    ],
    outputs: ["7"],
  };
  const saved = drawn(checkpoint, { linearMode: true, linearData });
  await fetch(file, { method: "POST", body: JSON.stringify(saved) });
  onTestFinished(async () => void (await fetch(file, { method: "DELETE" })));
  const { deps } = await startApp(url, { waitSeconds: 50 });
  const client = await connect(deps);
  const tool = name.replaceAll(" ", "_");

  await call(client, "list_workflows");
  const { tools } = await client.listTools();
  const made = await call(client, tool, { width: 128 });

  const schema = tools.find((each) => each.name === tool)?.inputSchema.properties ?? {};
  expect(Object.keys(schema).slice(0, 3)).toEqual(["width", "seed", "steps"]);
  expect(made.isError, made.text).toBe(false);
  expect(made.text).toContain("128x64 PNG");
});

/** Serves a template gallery before a ComfyUI that has none, and all else as it comes. */
async function gallery(target: string, files: Record<string, unknown>): Promise<string> {
  const { hostname, port } = new URL(target);
  const server = createServer((request, response) => {
    const name = /^\/templates\/(.+)$/.exec(request.url ?? "")?.[1];
    if (name !== undefined) {
      const file = files[name];
      response.writeHead(file ? 200 : 404, { "content-type": "application/json" });
      response.end(file ? JSON.stringify(file) : "");
      return;
    }
    const { method, url: path, headers } = request;
    const asked = ask({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    request.pipe(asked);
  });
  server.on("upgrade", (request, socket) => {
    const upstream = connectTcp(Number(port), hostname);
    upstream.write(head(request.url, request.rawHeaders));
    upstream.pipe(socket).pipe(upstream);
    for (const each of [upstream, socket]) each.on("error", () => socket.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function head(url = "/", raw: readonly string[] = []): string {
  const lines = raw.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${raw[i + 1]}`]));
  return `GET ${url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

test("a template runs once the model that it lacks was named and put there", async ({ skip }) => {
  if (live !== undefined && modelsDir === undefined) {
    skip("COMFY_MODELS does not name the models folder of that ComfyUI");
  }
  const { url, checkpoint, emulator } = await comfy();
  const lacking = `easel-${Date.now().toString(36)}.safetensors`;
  const models_ = [{ name: lacking, url: "https://example.org/it", directory: "checkpoints" }];
  const served = await gallery(url, {
    "index.json": [{ title: "Image", templates: [{ name: "image_fox", title: "Fox" }] }],
    "image_fox.json": drawn(lacking, {}, { models: models_ }),
  });
  const { deps } = await startApp(served, { waitSeconds: 50 });
  const client = await connect(deps);
  const wish = { prompt: "a fox", workflow: "template:image_fox" };

  const refused = await call(client, "generate_image", wish);
  expect(refused.text).toContain(
    `the model ${lacking} in models/checkpoints (https://example.org/it)`,
  );

  if (emulator) {
    models.checkpoints.push(lacking);
    await emulator.restart();
  } else if (modelsDir !== undefined) {
    const folder = path.join(modelsDir, "checkpoints");
    await copyFile(path.join(folder, checkpoint), path.join(folder, lacking));
    onTestFinished(() => rm(path.join(folder, lacking)));
  }
  // What was read within the last second is not read again.
  const again = () => call(client, "generate_image", wish);
  const within = { timeout: 240_000 };
  await expect.poll(async () => (await again()).text, within).toContain("64x64 PNG");
});
