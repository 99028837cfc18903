import { blake3 } from "hash-wasm";
import { expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { emptyImage, saveImage } from "../contract/support.ts";
import { served, square } from "./served.ts";

const keys = {
  ann: "aaaaaaaaaaaaaaaaaaaaaaaa",
  bob: "bbbbbbbbbbbbbbbbbbbbbbbb",
  eve: "eeeeeeeeeeeeeeeeeeeeeeee",
};
const easel = served({
  authTokens: [
    `ann:${keys.ann}:generate,delete,graphs`,
    `bob:${keys.bob}:generate,delete,graphs`,
    `eve:${keys.eve}:generate`,
  ],
});

// biome-ignore lint/suspicious/noExplicitAny: answers of another system, read field by field
type Json = any;
type Name = keyof typeof keys;

function call(path: string, init: RequestInit = {}, name: Name = "ann"): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${keys[name]}`);
  headers.set("user-agent", "comfy-sdk-typescript/0.1.9 (node v22.0.0)");
  const url = path.startsWith("/api/") ? `${easel.server.url}${path}` : `${api()}${path}`;
  return fetch(url, { ...init, headers });
}

function api(): string {
  return `${easel.server.url}/api/v2`;
}

async function json(path: string, init?: RequestInit, name?: Name): Promise<Json> {
  return (await call(path, init, name)).json();
}

/** As both SDKs do, the key of the request made for it. */
function submit(body: unknown, headers: Record<string, string> = {}, name?: Name) {
  const type = { "content-type": "application/json", ...headers };
  return call("/jobs", { method: "POST", body: JSON.stringify(body), headers: type }, name);
}

/** Fields before the file, which is last. */
async function upload(bytes: Buffer, fields: Record<string, string>, key = "", name?: Name) {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  form.append("file", new Blob([new Uint8Array(bytes)], { type: "image/png" }), "photo.png");
  const headers: Record<string, string> = key === "" ? {} : { "idempotency-key": key };
  return call("/assets", { method: "POST", body: form, headers }, name);
}

interface Event {
  event: string;
  data: Json;
}

/** Read to its end, as clients do. */
async function events(path: string): Promise<Event[]> {
  const answer = await call(path, { headers: { accept: "text/event-stream" } });
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  const blocks = (await answer.text()).split("\n\n").filter((block) => block.includes("data: "));
  return blocks.map((block) => ({
    event: /^event: (.*)$/m.exec(block)?.[1] ?? "",
    data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "null"),
  }));
}

async function ended(job: Json): Promise<Json> {
  await events(job.urls.events);
  return json(job.urls.self);
}

const colour = (color: number): Graph => ({
  "1": emptyImage({ color }),
  "2": saveImage(["1", 0], "v2"),
});

const inverted = (image: unknown) => ({
  "1": { class_type: "LoadImage", inputs: { image } },
  "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
  "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "v2" } },
});

test("what the official SDKs send to upload a picture, run a graph over it and fetch the result", async () => {
  const bytes = await square(64, "#2266aa");
  const hash = `blake3:${await blake3(bytes)}`;
  const fields = { content_type: "image/png", file_path: "photo.png", expected_hash: hash };

  const missing = await call(`/assets/by-hash/${encodeURIComponent(hash)}`, { method: "HEAD" });
  const sent = await upload(bytes, fields, "11111111-2222-4333-8444-555555555555");
  const asset = (await sent.json()) as Json;
  const known = await call(`/assets/by-hash/${hash}`, { method: "HEAD" });
  const other = await json("/assets/from-hash", {
    method: "POST",
    body: JSON.stringify({ hash, file_path: "copy.png" }),
  });
  const info = { id: asset.id, hash, file_path: "photo.png" };
  const workflow = inverted({ __type: "core/ASSET", info });
  const taken = await submit({ workflow }, { "idempotency-key": "job-1" });
  const job = (await taken.json()) as Json;
  const told = await events(job.urls.events);
  const done = await json(job.urls.self);
  const [output] = done.outputs;
  const content = await call(`/assets/${output.id}/content`, { redirect: "manual" });
  const part = await call(`/assets/${output.id}/content`, { headers: { range: "bytes=1-3" } });
  const linked = await fetch(output.url);

  expect([missing.status, sent.status, known.status, taken.status]).toEqual([404, 201, 200, 201]);
  expect(asset).toMatchObject({
    hash,
    size_bytes: bytes.length,
    content_type: "image/png",
    file_path: "photo.png",
    created_new: true,
  });
  expect(other).toMatchObject({ hash, file_path: "copy.png", created_new: false });
  expect(other.id).not.toBe(asset.id);
  expect(["queued", "running", "succeeded"]).toContain(job.status);
  expect(job).toMatchObject({
    error: null,
    expires_at: "9999-12-31T23:59:59.000Z",
    urls: { self: `/api/v2/jobs/${job.id}`, cancel: `/api/v2/jobs/${job.id}/cancel` },
  });
  expect(told.at(-1)).toEqual({
    event: "status",
    data: { status: "succeeded", queue_position: null },
  });
  expect(told.find(({ event }) => event === "output")?.data).toEqual(output);
  expect(told.findLast(({ event }) => event === "progress")?.data).toMatchObject({
    value: 1,
    nodes_done: 3,
    nodes_total: 3,
  });
  expect(done).toMatchObject({
    status: "succeeded",
    metrics: { queue_ms: expect.any(Number), execution_ms: expect.any(Number) },
  });
  expect(output).toMatchObject({
    node_id: "3",
    name: expect.stringMatching(/^v2_\d{5}_\.png$/),
    type: "image",
    content_type: "image/png",
    hash: null,
    job_id: job.id,
  });
  const picture = Buffer.from(await content.arrayBuffer());
  expect([picture.length, content.status]).toEqual([output.size_bytes, 200]);
  expect([part.status, await part.text()]).toEqual([206, "PNG"]);
  // The link is signed: whoever is handed it needs no key.
  expect(Buffer.from(await linked.arrayBuffer()).equals(picture)).toBe(true);
  expect(Date.parse(output.url_expires_at)).toBeGreaterThan(Date.now());
});

test("a result is the input of the next job by its id, and text that a node shows is a result", async () => {
  const first = await ended(await (await submit({ workflow: colour(0x113355) })).json());
  const workflow = {
    ...inverted({ __type: "core/ASSET", info: { id: first.outputs[0].id } }),
    "4": { class_type: "PrimitiveString", inputs: { value: "a word" } },
    "5": { class_type: "PreviewAny", inputs: { source: ["4", 0] } },
  };
  const second = await ended(await (await submit({ workflow })).json());
  const text = second.outputs.find(({ type }: Json) => type === "text");
  const shown = await call(`/assets/${text.id}/content`);
  const behind = await json(`/jobs/${second.id}/workflow`);

  expect(second.status).toBe("succeeded");
  expect(second.outputs.map(({ node_id, type }: Json) => [node_id, type])).toEqual([
    ["3", "image"],
    ["5", "text"],
  ]);
  expect(await shown.text()).toBe("a word");
  expect(behind).toMatchObject({ format: "api", workflow: { "5": workflow["5"] } });
  expect(await json(`/assets/${text.id}`)).toMatchObject({ job_id: second.id, size_bytes: 6 });
});

test("a call made again gives its job; label, priority and metadata are kept, what has no effect is told", async () => {
  const body = {
    workflow: colour(0x224466),
    label: "order 7",
    priority: 5,
    metadata: { order: 7 },
    extra_data: { api_key_comfy_org: "secret" },
    lable: "x",
  };
  const key = { "idempotency-key": "order-7" };
  const [one, two] = await Promise.all([submit(body, key), submit(body, key)]);
  const jobs = [(await one.json()) as Json, (await two.json()) as Json];
  const other = await submit({ ...body, workflow: colour(1) }, key);
  const done = await ended(jobs[0]);
  const listed = await json("/jobs?limit=1&status=succeeded");

  expect(jobs[0].id).toBe(jobs[1].id);
  const replayed = [one, two].map(({ headers }) => headers.get("idempotency-replayed"));
  expect(replayed.filter(Boolean)).toEqual(["true"]);
  expect([other.status, ((await other.json()) as Json).error.code]).toEqual([
    422,
    "idempotency_key_reuse",
  ]);
  expect(done).toMatchObject({ label: "order 7", priority: 5, metadata: { order: 7 } });
  expect(done.warnings.slice(0, 2)).toEqual([
    "lable has no effect: there is no such field here; did you mean label.",
    "extra_data.api_key_comfy_org has no effect: nodes that cost money are not run here.",
  ]);
  expect(JSON.stringify(await easel.newest())).not.toContain("secret");
  expect(listed.jobs.map(({ id }: Json) => id)).toEqual([done.id]);
  const before = await json(`/jobs?limit=1&cursor=${listed.next_cursor}`);
  expect(before.jobs[0].created_at <= done.created_at).toBe(true);
});

test("a workflow of ComfyUI's editor runs as the editor would send it", async () => {
  const workflow = {
    last_node_id: 2,
    last_link_id: 1,
    version: 0.4,
    nodes: [
      {
        id: 1,
        type: "EmptyImage",
        mode: 0,
        inputs: [],
        outputs: [{ name: "IMAGE", type: "IMAGE", links: [1] }],
        widgets_values: [64, 32, 1, 0x4488cc],
      },
      {
        id: 2,
        type: "SaveImage",
        mode: 0,
        inputs: [{ name: "images", type: "IMAGE", link: 1 }],
        outputs: [],
        widgets_values: ["edited"],
      },
    ],
    links: [[1, 1, 0, 2, 0, "IMAGE"]],
  };
  const done = await ended(await (await submit({ workflow })).json());
  const [source, ...others] = workflow.nodes;
  const odd = { ...workflow, nodes: [{ ...source, type: "NoSuchNode" }, ...others] };
  const refused = await submit({ workflow: odd });

  expect(done).toMatchObject({ status: "succeeded", outputs: [{ node_id: "2" }] });
  expect(done.outputs[0].name).toMatch(/^edited/);
  expect(refused.status).toBe(422);
  expect(((await refused.json()) as Json).error).toMatchObject({
    code: expect.stringMatching(/^(workflow_format_ui|invalid_workflow)$/),
    message: expect.stringContaining("NoSuchNode"),
  });
});

test("a job is stopped, and stopped again without harm", async () => {
  const hold = easel.emulator.hold("ImageInvert");
  const workflow = {
    ...colour(0x668844),
    "3": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    "2": saveImage(["3", 0], "v2"),
  };
  const job = (await (await submit({ workflow })).json()) as Json;
  await hold.reached;
  await expect.poll(async () => (await json(job.urls.self)).progress?.current_node).toBe("3");
  const running = await json(job.urls.self);
  const stopped = await json(job.urls.cancel, { method: "POST" });
  hold.release();
  const told = await events(job.urls.events);
  const again = await json(job.urls.cancel, { method: "POST" });

  expect(running).toMatchObject({ status: "running", queue_position: null });
  expect(running.progress).toMatchObject({ nodes_total: 3, current_node_class: "ImageInvert" });
  expect(["canceling", "canceled"]).toContain(stopped.status);
  expect(told.at(-1)?.data.status).toBe("canceled");
  expect([again.status, again.error]).toEqual(["canceled", null]);
});

test("a failure names its node, and is never a success", async () => {
  const bytes = Buffer.from("this is no picture");
  const fields = { content_type: "image/png", file_path: "../../odd [output].png" };
  const asset = (await (await upload(bytes, fields)).json()) as Json;
  const info = { id: asset.id };
  const workflow = inverted({ __type: "core/ASSET", info });
  const done = await ended(await (await submit({ workflow })).json());

  expect(done).toMatchObject({
    status: "failed",
    outputs: [],
    error: { code: "node_execution_error", node_id: "1", class_type: "LoadImage" },
  });
  expect(done.error.message).toContain("cannot identify image file");
  const content = await call(`/assets/${asset.id}/content`);
  expect(content.headers.get("content-type")).toBe("application/octet-stream");
});

test("bad input is refused in the API's shape, by name", async () => {
  const fields = { content_type: "image/png", file_path: "a.png" };
  const bytes = Buffer.from("abc");
  const wrong = `blake3:${"0".repeat(64)}`;
  const workflow = colour(1);
  const answers = [
    [submit("x"), 422, "invalid_request", "body"],
    [submit({}), 422, "invalid_request", "workflow"],
    [submit({ workflow: {} }), 422, "invalid_workflow", "no nodes"],
    [submit({ workflow: { "1": 5 } }), 422, "invalid_workflow", "node 1"],
    [
      submit({ workflow: { "1": { class_type: "Nope", inputs: {} } } }),
      422,
      "invalid_workflow",
      "Nope",
    ],
    [
      submit({ workflow: { "1": emptyImage({ width: 0 }), "2": saveImage(["1", 0]) } }),
      422,
      "invalid_workflow",
      "Node 1 (EmptyImage)",
    ],
    [
      submit({ workflow: inverted({ __type: "core/ASSET", info: { id: "asset_x" } }) }),
      422,
      "missing_asset",
      "1.image",
    ],
    [submit({ workflow, inputs: {} }), 422, "invalid_request", "inputs"],
    [submit({ workflow, priority: 1000 }), 422, "invalid_request", "priority"],
    [submit({ workflow, metadata: { a: "x".repeat(2000) } }), 422, "invalid_request", "metadata"],
    [submit({ workflow, webhook_url: "http://10.0.0.1/" }), 422, "invalid_request", "webhook_url"],
    [submit({ workflow }, {}, "eve"), 403, "forbidden", "graphs"],
    [call("/jobs/t0000000000000000"), 404, "not_found", "t0000000000000000"],
    [call("/jobs?limit=0"), 422, "invalid_request", "limit"],
    [call("/nothing"), 404, "not_found", "/nothing"],
    [upload(bytes, { file_path: "a.png" }), 422, "invalid_request", "content_type"],
    [upload(bytes, { ...fields, expected_hash: wrong }), 409, "hash_mismatch", "expected_hash"],
    [upload(bytes, { ...fields, expected_hash: "md5:1" }), 422, "invalid_request", "expected_hash"],
    [call("/assets", { method: "POST", body: "x" }), 422, "invalid_request", "multipart"],
    [
      call("/assets/from-hash", { method: "POST", body: JSON.stringify({ hash: wrong }) }),
      404,
      "blob_not_found",
      "hash",
    ],
    [call("/assets/from-hash", { method: "POST", body: "{" }), 422, "invalid_request", "body"],
    [fetch(`${api()}/jobs`), 401, "unauthorized", "key"],
  ] as const;

  for (const [answering, status, code, named] of answers) {
    const answer = await answering;
    const { error } = (await answer.json()) as Json;
    expect([answer.status, error.code]).toEqual([status, code]);
    expect(error.message).toContain(named);
  }
});

test("each caller has its own jobs, assets and hashes", async () => {
  const bytes = await square(8, "#aa2266");
  const hash = `blake3:${await blake3(bytes)}`;
  const fields = { content_type: "image/png", file_path: "mine.png" };
  const key = "same-key";
  const mine = (await (await upload(bytes, fields, key)).json()) as Json;
  const again = await upload(bytes, fields, key);
  const reused = await upload(Buffer.from("other"), fields, key);
  const job = await ended(await (await submit({ workflow: colour(0x99aa11) })).json());
  const [{ id: output }] = job.outputs;
  const workflow = inverted({ __type: "core/ASSET", info: { id: mine.id } });

  expect(((await again.json()) as Json).id).toBe(mine.id);
  expect([again.status, reused.status]).toEqual([200, 422]);
  const his = [`/jobs/${job.id}`, `/jobs/${job.id}/events`, `/jobs/${job.id}/workflow`];
  for (const path of [...his, `/assets/${mine.id}`, `/assets/${output}/content`]) {
    expect([path, (await call(path, {}, "bob")).status]).toEqual([path, 404]);
  }
  const head = { method: "HEAD" };
  expect((await call(`/assets/by-hash/${hash}`, head, "bob")).status).toBe(404);
  expect((await submit({ workflow }, {}, "bob")).status).toBe(422);
  expect((await json("/jobs", {}, "bob")).jobs).toEqual([]);
  const gone = { method: "DELETE" };
  expect((await call(`/assets/${mine.id}`, gone, "bob")).status).toBe(404);
  expect((await call(`/assets/${output}`, gone)).status).toBe(409);
  expect((await call(`/assets/${mine.id}`, gone)).status).toBe(204);
  expect((await call(`/assets/${mine.id}`, gone)).status).toBe(404);
  expect((await call(`/assets/by-hash/${hash}`, head)).status).toBe(404);
});
