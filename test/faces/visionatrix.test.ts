import { once } from "node:events";
import { copyFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { unzipSync } from "fflate";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { webhookShape } from "../../src/faces/visionatrix/webhook.ts";
import type { HttpConfig } from "../../src/http-config.ts";
import { exportGraph } from "../fixtures/exports/exports.ts";
import { assembled } from "../support/http.ts";
import { openApp, startApp, startEmulator, tempDir, type World } from "../support/world.ts";

const shapes = { webhookShapes: { visionatrix: webhookShape } };

/** Whatever it is: what is read of it is asserted. */
// biome-ignore lint/suspicious/noExplicitAny: answers of another system, read field by field
const json = (answer: Response): Promise<any> => answer.json();

type Fields = Record<string, string | Blob>;

/** The face behind the guards of the whole server. */
async function faceOf(world: World, config: Partial<HttpConfig> = {}) {
  const app = await assembled(world, config);
  const request = (path: string, init: RequestInit = {}, key?: string) => {
    const headers = new Headers(init.headers);
    headers.set("host", "127.0.0.1");
    if (key) headers.set("authorization", `Basic ${btoa(`somebody:${key}`)}`);
    return app(new Request(`http://127.0.0.1/vapi${path}`, { ...init, headers }));
  };
  const create = (flow: string, fields: Fields, key?: string, route = "create") => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return request(`/tasks/${route}/${flow}`, { method: "PUT", body }, key);
  };
  return {
    app,
    request,
    create,
    /** The tasks of a call. */
    async made(flow: string, fields: Fields, key?: string): Promise<number[]> {
      const answer = await create(flow, fields, key);
      if (answer.status !== 200) throw new Error(await answer.text());
      return (await json(answer)).tasks_ids;
    },
    get: async (path: string, key?: string) => json(await request(path, {}, key)),
    /** Status and detail of what is refused. */
    async refused(answer: Promise<Response>): Promise<[number, string]> {
      const response = await answer;
      const { detail } = await json(response);
      return [response.status, typeof detail === "string" ? detail : JSON.stringify(detail)];
    },
    /** When the caller's task has ended. */
    async ended(number: number, caller = "local"): Promise<void> {
      const id = await world.deps.studio.list({ caller }, 100);
      const task = id.tasks.find(({ call }) => call?.["number"] === number);
      await world.deps.studio.wait(task?.id ?? "", 60_000);
    },
  };
}

async function start(config: Partial<Config> = {}, http: Partial<HttpConfig> = {}) {
  const emulator = await startEmulator();
  const world = await startApp(emulator.url, config, shapes);
  return { emulator, world, ...(await faceOf(world, http)) };
}

/** The quickest: it takes the picture's own size. */
const cutting = "remove_background_birefnet";
const photo = async (color?: string) => ({
  input_image: new Blob([await picture(color)], { type: "image/png" }),
});
const small = { prompt: "a boat", width: "64", height: "64" };

async function picture(color = "#446688"): Promise<Buffer> {
  const made = sharp({ create: { width: 64, height: 48, channels: 3, background: color } });
  return made.png().toBuffer();
}

test("a task of a known flow: created, followed, fetched, deleted, with the fields that clients read", async () => {
  const { create, get, request, ended, world } = await start();

  const answer = await create("SDXL_Lighting", {
    ...small,
    seed: "7",
    count: "2",
    steps_number: "4 steps",
    negative_prompt: "ugly",
    steps_nmber: "9",
  });
  const created = await json(answer);
  await ended(1);
  await ended(2);
  const second = await get("/tasks/progress/2");

  expect(created).toEqual({
    tasks_ids: [1, 2],
    outputs: [{ comfy_node_id: 9, type: "image", file_size: -1, batch_size: -1 }],
    warnings: [
      expect.stringMatching(/^negative_prompt has no effect: the model is distilled/),
      expect.stringMatching(/^steps_nmber has no effect: .* Did you mean/),
    ],
  });
  expect(second).toMatchObject({
    task_id: 2,
    progress: 100,
    error: "",
    name: "sdxl_lighting",
    input_params: { prompt: "a boat", steps_number: "4 steps", seed: 8 },
    outputs: [{ comfy_node_id: 9, type: "image", file_size: expect.any(Number), batch_size: 1 }],
    parent_task_id: null,
    child_tasks: [],
    group_scope: 1,
    priority: 0,
    user_id: "local",
    webhook_url: null,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+$/),
  });
  expect(second.flow_comfy["3"].inputs).toMatchObject({ seed: 8, steps: 4 });
  const result = await request("/tasks/results?task_id=2&node_id=9");
  expect(result.headers.get("content-type")).toBe("image/png");
  expect(result.headers.get("content-disposition")).toBe('attachment; filename="2_9_00001.png"');
  const bytes = Buffer.from(await result.arrayBuffer());
  expect(bytes.length).toBe(second.outputs[0].file_size);
  expect(await sharp(bytes).metadata()).toMatchObject({ width: 64, height: 64 });
  const zip = await request("/tasks/results?task_id=2&node_id=9&batch_index=-1");
  const files = unzipSync(new Uint8Array(await zip.arrayBuffer()));
  expect(Object.keys(files)).toEqual(["2_9_00001_.png"]);

  // In the one gallery, and remade from its record.
  const [last] = (await world.deps.studio.list({}, 1)).tasks;
  const again = await world.deps.studio.again(last?.id ?? "");
  const { runs } = await world.deps.studio.wait(again.id, 60_000);
  expect(last).toMatchObject({ via: "visionatrix", workflow: "sdxl_lightning_4step" });
  expect(runs[0]?.images[0]?.sha256).toBe(last?.runs[0]?.images[0]?.sha256);

  expect((await request("/tasks/task?task_id=2", { method: "DELETE" })).status).toBe(204);
  expect((await request("/tasks/progress/2")).status).toBe(404);
  expect(Object.keys(await get("/tasks/progress"))).toEqual(["1"]);
  expect((await json(await create("sdxl_lighting", small))).tasks_ids).toEqual([3]);
});

test("pictures come as files, as base64 in a file, and as JSON that names a task; a child knows its parent", async () => {
  const { made, get, request, ended, create, refused } = await start();
  const sent = await picture();
  const uri = `data:image/png;base64,${sent.toString("base64")}`;

  const [first = 0] = await made(cutting, await photo());
  const [inline = 0] = await made(cutting, { input_image: new Blob([uri]) });
  await ended(first);
  const [child = 0] = await made(cutting, {
    input_image: JSON.stringify({ task_id: first, node_id: 13 }),
    child_task: "1",
  });
  const [sibling = 0] = await made(cutting, {
    input_image: JSON.stringify({ task_id: first, input_index: 0 }),
  });
  for (const number of [inline, child, sibling]) await ended(number);

  const parent = await get(`/tasks/progress/${first}`);
  expect(parent.input_files).toEqual([
    { file_name: "1_input_image.png", file_size: expect.any(Number) },
  ]);
  expect(parent.child_tasks).toMatchObject([
    { task_id: child, parent_task_id: first, parent_task_node_id: 13, progress: 100 },
  ]);
  expect(Object.keys(await get("/tasks/progress-summary?only_parent=true"))).toEqual([
    "1",
    "2",
    "4",
  ]);
  const input = await request(`/tasks/inputs?task_id=${sibling}&input_index=0`);
  const pixels = (bytes: ArrayBuffer | Buffer) => sharp(new Uint8Array(bytes)).raw().toBuffer();
  expect(await pixels(await input.arrayBuffer())).toEqual(await pixels(sent));

  const text = (value: object | string, more: Fields = {}) => {
    const given = typeof value === "string" ? value : JSON.stringify(value);
    return refused(create(cutting, { input_image: given, ...more }));
  };
  expect(await text({ task_id: 99, node_id: 13 })).toEqual([400, "Missing task with id=99"]);
  expect(await text({ node_id: 13 })).toEqual([
    400,
    "Missing `task_id` or `remote_url` parameter.",
  ]);
  expect((await text({ task_id: first, node_id: 5 }))[0]).toBe(400);
  expect((await text({ remote_url: "http://127.0.0.1/x.png", type: "nextcloud" }))[1]).toMatch(
    /^input_image: /,
  );
  expect((await text({ remote_url: "http://127.0.0.1/x.png", type: "other" }))[1]).toMatch(
    /^Unknown type\(other/,
  );
  expect((await text("/etc/passwd"))[1]).toMatch(/^Invalid file input:\/etc\/passwd/);
  expect((await text("{"))[1]).toBe("Invalid file input:{");
  expect((await text(uri, { child_task: "1" }))[1]).toBe(
    "Invalid input file. Use the parent task's node ID.",
  );
  expect(await refused(create(cutting, {}))).toEqual([
    400,
    "The parameter `input_image` is required, but missing.",
  ]);

  expect((await request(`/tasks/clear?name=${cutting}`, { method: "DELETE" })).status).toBe(204);
  expect(await get("/tasks/progress?group_scope=0")).toEqual({});
});

test("what is wrong is told in FastAPI's shapes and statuses", async () => {
  const { create, request, refused } = await start();
  const put = (path: string, body: unknown) =>
    request(path, { method: "PUT", body: JSON.stringify(body) });

  const bad = await create("sdxl_lighting", {
    ...small,
    count: "0",
    priority: "16",
    group_scope: "256",
    seed: "x",
  });
  const { detail } = await json(bad);
  expect(bad.status).toBe(422);
  expect(detail.map(({ loc, type }: { loc: string[]; type: string }) => [...loc, type])).toEqual([
    ["body", "group_scope", "less_than_equal"],
    ["body", "priority", "less_than_equal"],
    ["body", "count", "greater_than_equal"],
    ["body", "seed", "int_parsing"],
  ]);
  expect(await refused(create("nothing", small))).toEqual([
    404,
    "Flow `nothing` is not installed.",
  ]);
  expect((await refused(create("sdxl_lighting", { ...small, steps_number: "9" })))[1]).toBe(
    "steps_number: expected '4 steps' or '8 steps', got '9'.",
  );
  expect((await refused(create("sdxl_lighting", { ...small, width: "wide" })))[1]).toMatch(/width/);
  expect((await refused(create("sdxl_lighting", { ...small, surprise_me: "1" })))[0]).toBe(501);
  expect(
    (await refused(create("sdxl_lighting", { ...small, count: "2" }, undefined, "create-sync")))[1],
  ).toBe("Synchronous execution does not support count > 1.");
  const hook = { ...small, webhook_url: "http://127.0.0.1/hook" };
  expect((await refused(create("sdxl_lighting", hook)))[1]).toMatch(/^webhook_url: /);
  const socket = { ...hook, webhook_headers: '{"X-Transport-UDS": "/run/docker.sock"}' };
  expect((await refused(create("sdxl_lighting", socket)))[1]).toMatch(/x-transport-uds/);
  expect((await refused(create("sdxl_lighting", { ...hook, webhook_headers: "[" })))[0]).toBe(400);
  expect((await refused(put("/tasks/create/sdxl_lighting", small)))[0]).toBe(422);

  expect(await refused(request("/tasks/progress/7"))).toEqual([404, "Task `7` was not found."]);
  expect((await refused(request("/tasks/progress/seven")))[0]).toBe(422);
  expect((await refused(request("/tasks/results?task_id=7")))[1]).toMatch(
    /"node_id".*missing|missing.*"node_id"/,
  );
  expect((await refused(request("/tasks/inputs?task_id=7&input_index=0")))[0]).toBe(404);
  for (const path of ["/tasks/task?task_id=7", "/tasks/queue/7"]) {
    expect((await refused(request(path, { method: "DELETE" })))[0]).toBe(404);
  }
  expect((await refused(put("/tasks/update?task_id=7", { priority: "3" })))[0]).toBe(422);
  expect((await refused(put("/tasks/update?task_id=7", { priority: 3 })))[0]).toBe(404);
  expect((await refused(request("/flows/subflows?input_type=sound")))[0]).toBe(422);
  for (const path of ["/tasks/next", "/flows/flow", "/other/proxy?target=http://127.0.0.1/"]) {
    expect((await refused(request(path, { method: "POST" })))[0]).toBe(501);
  }
  expect((await refused(request("/settings/user", { method: "POST" })))[0]).toBe(412);
  expect(await refused(request("/tasks/create/sdxl_lighting"))).toEqual([
    405,
    "Method Not Allowed",
  ]);
  expect(await refused(request("/nowhere"))).toEqual([404, "There is nothing here."]);
});

test("a failure is told, and its number stands for what is made after a restart", async () => {
  const { emulator, made, get, request, ended, refused, world } = await start();
  const post = (path: string) => request(path, { method: "POST" });
  emulator.faults.raise = { RembgByBiRefNet: { type: "RuntimeError", message: "out of paint" } };
  const [number = 0] = await made(cutting, await photo());
  await ended(number);

  expect(await get(`/tasks/progress/${number}`)).toMatchObject({
    progress: 0,
    error: expect.stringContaining("out of paint"),
  });
  expect(await refused(request(`/tasks/results?task_id=${number}&node_id=13`))).toEqual([
    400,
    "Task `1` is not completed yet.",
  ]);
  emulator.faults.raise = {};
  expect((await post(`/tasks/restart?task_id=${number}`)).status).toBe(204);
  await ended(number);
  expect(await get(`/tasks/progress/${number}`)).toMatchObject({ progress: 100, error: "" });
  expect(Object.keys(await get("/tasks/progress"))).toEqual(["1"]);
  expect(await refused(post(`/tasks/restart?task_id=${number}`))).toEqual([
    400,
    "Task `1` already finished.",
  ]);
  expect(await refused(request(`/tasks/results?task_id=${number}&node_id=8`))).toEqual([
    404,
    "No such node in the flow for task=`1`.",
  ]);
  expect((await refused(request(`/tasks/results?task_id=1&node_id=13&batch_index=1`)))[0]).toBe(
    404,
  );
  // What failed is still seen elsewhere.
  expect(await world.deps.studio.count({ states: ["failed"] })).toBe(1);
});

test("what waits is given another priority or taken out of the queue", async () => {
  const { emulator, made, get, request, world, refused } = await start();
  const hold = emulator.hold("RembgByBiRefNet");
  const [running = 0] = await made(cutting, await photo());
  const [task] = (await world.deps.studio.list({}, 1)).tasks;
  for await (const event of world.deps.studio.events(task?.id ?? "")) {
    if (event.kind === "state" && event.task.state === "running") break;
  }
  const [waiting = 0, last = 0] = await made(cutting, {
    ...(await photo()),
    count: "2",
    priority: "1",
  });
  const update = (number: number, priority: number) =>
    request(`/tasks/update?task_id=${number}`, {
      method: "PUT",
      body: JSON.stringify({ priority }),
    });

  expect((await update(last, 9)).status).toBe(204);
  expect((await refused(update(running, 9)))[1]).toMatch(/already started\.$/);
  const listed = await get(`/tasks/progress-summary?name=${cutting}`);
  expect(Object.values(listed)).toMatchObject([
    { task_id: running, priority: 0 },
    { task_id: waiting, priority: 1 },
    { task_id: last, priority: 9 },
  ]);
  expect(listed[running].progress).toBeGreaterThan(0);
  const { tasks } = await world.deps.studio.list({ states: ["queued"] }, 5);
  expect(tasks.map(({ priority }) => priority?.level)).toEqual([9, 1]);
  expect((await request(`/tasks/queue/${running}`, { method: "DELETE" })).status).toBe(204);
  const cleared = await request(`/tasks/queue?name=${cutting}`, { method: "DELETE" });
  expect(cleared.status).toBe(204);
  hold.release();
  expect(await get("/tasks/progress")).toEqual({});
  expect(await world.deps.studio.count({ states: ["cancelled"] })).toBe(3);
});

test("create-sync answers with an archive and leaves nothing behind", async () => {
  const { create, get, refused, emulator } = await start();

  const answer = await create(cutting, await photo(), undefined, "create-sync");
  const files = unzipSync(new Uint8Array(await answer.arrayBuffer()));
  expect(answer.headers.get("content-type")).toBe("application/zip");
  expect(answer.headers.get("content-disposition")).toBe("attachment; filename=results_1.zip");
  expect(Object.keys(files)).toEqual(["1_13_00001_.png"]);
  expect(await get("/tasks/progress")).toEqual({});

  emulator.faults.raise = { RembgByBiRefNet: { type: "RuntimeError", message: "out of paint" } };
  const [status, detail] = await refused(
    create(cutting, await photo("#aa0000"), undefined, "create-sync"),
  );
  expect([status, detail]).toEqual([500, expect.stringMatching(/^Task failed: .*out of paint/)]);
});

test("callers see their own tasks, and numbers stay over a restart of the server", async () => {
  const emulator = await startEmulator();
  const dataDir = await tempDir();
  const [anna, berta] = ["anna-anna-anna-anna", "berta-berta-berta-berta"];
  const keys = { authTokens: [`anna:${anna}:generate,delete,admin`, `berta:${berta}`] };
  const before = await openApp(emulator.url, dataDir);
  const face = await faceOf(before, keys);

  expect(await face.made(cutting, await photo(), anna)).toEqual([1]);
  expect(await face.made(cutting, { ...(await photo()), count: "2" }, berta)).toEqual([1, 2]);
  await face.ended(1, "anna");
  await face.ended(2, "berta");
  expect(Object.keys(await face.get("/tasks/progress", anna))).toEqual(["1"]);
  expect((await face.request("/tasks/progress/2", {}, anna)).status).toBe(404);
  const own = await face.get("/tasks/progress/1", berta);
  expect(own.user_id).toBe("berta");
  const stranger = await face.request("/tasks/progress", {}, "admin");
  expect(stranger.status).toBe(401);
  expect(stranger.headers.get("www-authenticate")).toMatch(/^Basic/);
  expect((await face.request("/tasks/progress")).status).toBe(401);
  await before.app.close();

  const after = await faceOf(await startApp(emulator.url, { dataDir }), keys);
  const result = await after.request("/tasks/results?task_id=2&node_id=13", {}, berta);
  expect(result.status).toBe(200);
  expect(await after.made(cutting, await photo(), berta)).toEqual([3]);
});

test("a webhook is told below its address, with its headers, in Visionatrix's words", async () => {
  const { made } = await start({ allowPrivateUrls: true });
  const got: { url: string | undefined; key: unknown; body: Record<string, unknown> }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    got.push({ url: request.url, key: request.headers["x-key"], body });
    response.end();
    if (body.progress === 100) server.emit("ended");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const end = once(server, "ended");

  const [task_id] = await made(cutting, {
    ...(await photo()),
    webhook_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/`,
    webhook_headers: '{"X-Key": "k"}',
  });
  await end;

  expect(got.find(({ body }) => body["progress"] === 100)).toEqual({
    url: "/hooks/task-progress",
    key: "k",
    body: { task_id, progress: 100, execution_time: expect.any(Number), error: "" },
  });
});

test("flows are this server's workflows, in the shape that the web client draws", async () => {
  const { get, request } = await start();

  const flows = await get("/flows/installed");
  const named = (name: string) => flows.find((flow: { name: string }) => flow.name === name);
  expect(named("sdxl_lighting")).toMatchObject({
    display_name: "SDXL Lighting",
    is_seed_supported: true,
    is_supported_by_workers: true,
    tags: ["generate image"],
    models: [],
    sub_flows: [],
  });
  const steps = { name: "steps_number", type: "list", default: "8 steps", optional: true };
  expect(named("sdxl_lighting").input_params).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: "prompt", type: "text", optional: false }),
      expect.objectContaining({ ...steps, options: ["4 steps", "8 steps"] }),
    ]),
  );
  expect(named("remove_background_birefnet").input_params).toEqual([
    expect.objectContaining({ name: "input_image", type: "image", optional: false }),
  ]);
  expect(new Set(flows.map((flow: { name: string }) => flow.name)).size).toBe(flows.length);
  const after = await get("/flows/subflows?input_type=image");
  expect(after.map((flow: { name: string }) => flow.name)).toContain("remove_background_birefnet");
  const details = await get("/flows/flow-details?name=sdxl_lighting");
  expect(details.flow_comfy["9"].class_type).toBe("SaveImage");
  expect((await request("/flows/flow-details?name=x")).status).toBe(404);
  expect(await get("/workers/info")).toMatchObject([
    { worker_id: expect.any(String), user_id: "local" },
  ]);
  expect(await get("/other/whoami")).toMatchObject({ user_id: "local" });
  expect(await get("/settings/get_all")).toEqual({});
  expect(await (await request("/settings/get?key=x")).text()).toBe("");
  expect(await get("/flows/not-installed")).toEqual(expect.any(Array));
});

test("a flow of Visionatrix's is a file in the folder of workflows, each of its branches a choice", async () => {
  const workflowsDir = await tempDir();
  for (const name of ["vix_lightning", "vix_controls"]) {
    await copyFile(
      new URL(`../fixtures/exports/${name}.json`, import.meta.url),
      path.join(workflowsDir, `${name}.json`),
    );
  }
  const masked = exportGraph("vix_cutout");
  const title = "input;Mask;order=2;custom_id=mask_redraw;mask;source_input_name=input_image";
  masked["30"] = { class_type: "LoadImage", inputs: { image: "" }, _meta: { title } };
  masked["31"] = {
    class_type: "JoinImageWithAlpha",
    inputs: { image: ["23", 0], alpha: ["30", 1] },
  };
  masked["13"]!.inputs["images"] = ["31", 0];
  await writeFile(path.join(workflowsDir, "masked.json"), JSON.stringify(masked));
  const { get, made, create, refused } = await start({ workflowsDir });
  const graphOf = async (fields: Fields) => {
    const [number] = await made("fast_xl", { prompt: "a boat", ...fields });
    const { flow_comfy: graph, input_params, ...rest } = await get(`/tasks/progress/${number}`);
    return { graph, input_params, ...rest };
  };

  const flows = await get("/flows/installed");
  const flow = flows.find(({ name }: { name: string }) => name === "fast_xl");
  expect(flow).toMatchObject({ display_name: "Fast XL" });
  expect(flow.input_params.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining([
      "prompt",
      "negative_prompt",
      "width",
      "height",
      "steps",
      "steps_number",
    ]),
  );
  const inputs = flows.flatMap((each: { input_params: object[] }) => each.input_params);
  const mask = { type: "image-mask", source_input_name: "input_image" };
  expect(inputs).toContainEqual(expect.objectContaining({ name: "mask_redraw", ...mask }));
  const eight = await graphOf({ aspect_ratio: "1:1 (512x512)", negative_prompt: "blur" });
  expect(eight.graph["3"].inputs.steps).toBe(8);
  expect(eight.graph["7"].inputs.text).toBe("blur");
  expect(eight.outputs[0].comfy_node_id).toBe(9);
  expect(eight.warnings).toBeUndefined();
  const four = await graphOf({
    steps_number: "4 steps",
    steps_count: "3",
    seed: "11",
  });
  expect(four.graph["10"].inputs).toMatchObject({ steps: 3, seed: 11 });
  expect(four.graph["3"]).toBeUndefined();
  expect(four.input_params).toMatchObject({ steps_number: "4 steps", seed: 11 });
  const wrong = await refused(create("fast_xl", { prompt: "x", steps_number: "five" }));
  expect(wrong).toEqual([400, "steps_number: expected '4 steps' or '8 steps', got 'five'."]);
});

test("results are told apart by the output node that made them", async () => {
  const workflowsDir = await tempDir();
  const graph = exportGraph("vix_cutout");
  const save = { filename_prefix: "as_it_was", images: ["2", 0] as [string, number] };
  graph["14"] = { class_type: "SaveImage", inputs: save };
  await writeFile(path.join(workflowsDir, "two.json"), JSON.stringify(graph));
  const { get, made, request, ended } = await start({ workflowsDir });
  const flows = await get("/flows/installed");
  const { name } = flows.find(({ display_name: title }: { display_name: string }) => {
    return title === "Cut out (BiRefNet)";
  });

  const [number = 0] = await made(name, await photo());
  await ended(number);
  const { outputs } = await get(`/tasks/progress/${number}`);
  const alphaOf = async (node: number) => {
    const answer = await request(`/tasks/results?task_id=${number}&node_id=${node}`);
    return (await sharp(new Uint8Array(await answer.arrayBuffer())).metadata()).hasAlpha;
  };

  expect(outputs).toMatchObject([
    { comfy_node_id: 13, batch_size: 1 },
    { comfy_node_id: 14, batch_size: 1 },
  ]);
  expect([await alphaOf(13), await alphaOf(14)]).toEqual([true, false]);
});

test("of a call that asks for more tasks than its key may have none is left", async () => {
  const { emulator, create, get, refused, world } = await start({}, { tasksAtOnce: 1 });
  const hold = emulator.hold("RembgByBiRefNet");

  const [status] = await refused(create(cutting, { ...(await photo()), count: "2" }));

  expect(status).toBe(429);
  expect(await get("/tasks/progress")).toEqual({});
  hold.release();
  const [task] = (await world.deps.studio.list({}, 5)).tasks;
  expect((await world.deps.studio.wait(task?.id ?? "", 60_000)).state).toBe("cancelled");
});
