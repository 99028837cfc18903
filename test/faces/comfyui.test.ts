import { randomUUID } from "node:crypto";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { Comfy, emptyImage, savedFiles, saveImage, tinyGraph } from "../contract/support.ts";
import { startHttp } from "../support/http.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

const ann = "ann:aaaaaaaaaaaaaaaaaaaaaaaa:generate,delete,graphs";
const bob = "bob:bbbbbbbbbbbbbbbbbbbbbbbb:generate,delete,graphs";
const eve = "eve:eeeeeeeeeeeeeeeeeeeeeeee:generate";

/** A client with a key of its own. */
class Keyed extends Comfy {
  readonly #token: string;

  constructor(url: string, key: string) {
    super(url);
    this.#token = key.split(":")[1] ?? "";
  }

  override fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${this.#token}`);
    return fetch(`${this.url}${path}`, { ...init, headers });
  }
}

async function startFace(keys: string[] = [], dataDir?: string, comfyuis?: string[]) {
  const emulator = await startEmulator();
  const world = await startApp(comfyuis ?? emulator.url, dataDir ? { dataDir } : {});
  const server = await startHttp(world, {
    ownPorts: { comfyuiPort: 0 },
    ...(keys.length > 0 && { authTokens: keys }),
  });
  return { emulator, world, server, url: server.own.comfyuiPort ?? "" };
}

async function ended(comfy: Comfy, id: string) {
  await expect.poll(async () => Object.keys(await comfy.json(`/history/${id}`))).toEqual([id]);
  return comfy.history(id);
}

function picture(color: string): Promise<Buffer> {
  return sharp({ create: { width: 8, height: 8, channels: 3, background: color } })
    .png()
    .toBuffer();
}

test("each caller sees its own prompts and files alone", async () => {
  const { url } = await startFace([ann, bob]);
  const [hers, his] = [new Keyed(url, ann), new Keyed(url, bob)];
  const id = randomUUID();
  await hers.upload(await picture("red"), "mine.png");

  const taken = await hers.submit(tinyGraph("same"), { prompt_id: id });
  const entry = await ended(hers, id);
  const [file] = savedFiles(entry);

  expect(taken.body).toEqual({ prompt_id: id, number: 0, node_errors: {} });
  expect(await his.json("/history")).toEqual({});
  expect((await his.fetch(`/api/jobs/${id}`)).status).toBe(404);
  const view = `/view?filename=${file?.filename}`;
  expect([(await hers.fetch(view)).status, (await his.fetch(view)).status]).toEqual([200, 404]);
  expect((await his.fetch("/view?filename=mine.png&type=input")).status).toBe(404);
  const stolen = { "1": { class_type: "LoadImage", inputs: { image: "mine.png" } } };
  const refused = await his.submit({ ...stolen, "2": saveImage(["1", 0]) });
  expect(refused.status).toBe(400);
  expect(refused.body.node_errors["1"].errors[0].details).toBe(
    "image - Invalid image file: mine.png",
  );
});

test("a caller without the scope graphs is refused in ComfyUI's shape", async () => {
  const { url } = await startFace([eve]);

  const { status, body } = await new Keyed(url, eve).submit(tinyGraph());

  expect(status).toBe(403);
  expect(body).toMatchObject({ error: { type: "forbidden" }, node_errors: {} });
  expect(body.error.message).toContain("graphs");
});

test("a graph is a task like others: listed with its picture, and made again from its record", async () => {
  const { url, world } = await startFace();
  const comfy = new Comfy(url);
  const id = randomUUID();
  await comfy.submit(tinyGraph(), { prompt_id: id, execution_id: "n8n 7" });
  await ended(comfy, id);

  const { tasks } = await world.deps.studio.list({}, 10);
  const [task] = tasks;
  const again = await world.deps.studio.again(task?.id ?? "");
  const done = await world.deps.studio.wait(again.id, 50_000);

  expect(task).toMatchObject({ state: "completed", via: "comfyui", label: "n8n 7" });
  expect(task?.runs[0]?.images).toHaveLength(1);
  expect(done.runs[0]?.images[0]?.sha256).toBe(task?.runs[0]?.images[0]?.sha256);
});

test("nothing is stored of a refused graph, nor of a partner service's key", async () => {
  const { url, world } = await startFace();
  const comfy = new Comfy(url);
  const graph = { "1": emptyImage({ width: 0 }), "2": saveImage(["1", 0]) };

  const { status } = await comfy.submit(graph);
  const { body } = await comfy.submit(tinyGraph(), { extra_data: { api_key_comfy_org: "secret" } });
  const entry = await ended(comfy, body.prompt_id);

  expect(status).toBe(400);
  expect(await world.deps.studio.count({})).toBe(1);
  expect(JSON.stringify(entry)).not.toContain("secret");
});

test("prompts and files are there after a restart, and while ComfyUI is away", async () => {
  const dataDir = await tempDir();
  const first = await startFace([], dataDir);
  const before = new Comfy(first.url);
  const bytes = await picture("blue");
  await before.upload(bytes, "kept.png");
  const id = randomUUID();
  const graph: Graph = {
    "1": { class_type: "LoadImage", inputs: { image: "kept.png" } },
    "2": saveImage(["1", 0]),
  };
  await before.submit(graph, { prompt_id: id });
  const entry = await ended(before, id);
  await first.server.close();
  await first.world.app.close();

  const { url, emulator } = await startFace([], dataDir, [first.emulator.url]);
  await emulator.close();
  const comfy = new Comfy(url);
  await comfy.json("/object_info/KSampler");
  await first.emulator.close();
  const waiting = await comfy.submit(graph);
  const kept = await comfy.fetch("/view?filename=kept.png&type=input");

  expect(await comfy.history(id)).toEqual(entry);
  expect(Buffer.from(await kept.arrayBuffer())).toEqual(bytes);
  expect(waiting.status).toBe(200);
  expect(await comfy.json("/prompt")).toEqual({ exec_info: { queue_remaining: 1 } });
  expect((await comfy.json("/queue")).queue_pending).toHaveLength(1);
});

test("two ComfyUIs may give one name twice: the second picture gets the next free one", async () => {
  const [one, other] = [await startEmulator(), await startEmulator()];
  const { url } = await startFace([], undefined, [one.url, other.url]);
  const comfy = new Comfy(url);
  const ids = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  await Promise.all(ids.map((id) => comfy.submit(tinyGraph("same"), { prompt_id: id })));
  const entries = await Promise.all(ids.map((id) => ended(comfy, id)));

  const files = entries.map((entry) => savedFiles(entry));
  const names = files.map(([file]) => file?.filename ?? "");
  const views = await Promise.all(names.map((name) => comfy.fetch(`/view?filename=${name}`)));
  const pictures = await Promise.all(
    views.map(async (view) => (await view.arrayBuffer()).byteLength),
  );

  expect(new Set(names).size).toBe(4);
  expect(pictures.every((size) => size > 0)).toBe(true);
});

test("a seed beyond 2^53 is the number that was sent", async () => {
  const { url } = await startFace();
  const comfy = new Comfy(url);
  const graph = `{"1":{"class_type":"RandomNoise","inputs":{"noise_seed":18446744073709551614}},
    "2":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":7}},
    "3":{"class_type":"SaveImage","inputs":{"images":["2",0],"filename_prefix":"big"}}}`;

  const response = await comfy.post("/prompt", `{"prompt":${graph}}`);
  const { prompt_id: id } = (await response.json()) as { prompt_id: string };
  const entry = await ended(comfy, id);

  expect(response.status).toBe(200);
  expect(entry.prompt[2]["1"]?.inputs["noise_seed"]).toBe("18446744073709551614");
});
