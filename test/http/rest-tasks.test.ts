import sharp from "sharp";
import { expect, test } from "vitest";
import { startHttp } from "../support/http.ts";
import { startApp, startEmulator } from "../support/world.ts";
import { ended, errorIn, made, startRest, taskIn } from "./rest-support.ts";

async function start() {
  const emulator = await startEmulator();
  return startRest(emulator.url);
}

test("a task is asked for, watched to its end, and its picture fetched", async () => {
  const rest = await start();

  const answer = await rest.post(
    "/api/v1/tasks",
    { tool: "generate_image", arguments: { prompt: "a fox", seed: 7, count: 2 }, label: "first" },
    { "x-easel-client": "page" },
  );
  const task = await taskIn(answer);

  expect(answer.status).toBe(202);
  expect(answer.headers.get("location")).toBe(`/api/v1/tasks/${task.id}`);
  expect(task).toMatchObject({
    tool: "generate_image",
    client: "page",
    via: "page",
    label: "first",
    prompt: "a fox",
    count: 2,
    error: null,
  });
  const done = await ended(rest, task.id);
  expect(done).toMatchObject({ state: "completed", progress: null });
  expect(done.images.map(({ seed }) => seed)).toEqual([7, 8]);
  expect(done.images[0]?.color).toMatch(/^[0-9a-f]{6}$/);
  const picture = await rest.get(`/files/${done.images[0]?.id}`);
  expect(picture.headers.get("content-type")).toBe("image/png");
});

test("the arguments of a record make the same again", async () => {
  const rest = await start();
  const first = await made(rest, { prompt: "a fox", styles: ["watercolor"], aspect_ratio: "16:9" });

  const second = await made(rest, first.arguments);

  expect(second.arguments).toEqual(first.arguments);
  expect(second.images[0]?.seed).toBe(first.images[0]?.seed);
});

test("every tool makes its pictures again from its record, with its inputs", async () => {
  const rest = await start();
  const source = await made(rest, { prompt: "a fox", width: 512, height: 512 });
  const image = source.images[0]?.id;
  const mask = await sharp({
    create: { width: 512, height: 512, channels: 3, background: "white" },
  })
    .jpeg()
    .toBuffer();
  const sent = await rest.request("/api/v1/uploads", {
    method: "POST",
    body: new Uint8Array(mask),
    headers: { "content-type": "image/jpeg" },
  });
  const { id: maskId } = (await sent.json()) as { id: string };
  const calls: [string, Record<string, unknown>][] = [
    ["img2img", { prompt: "a wolf", image, vary: "subtle" }],
    ["inpaint", { prompt: "a scarf", image, mask: maskId, grow: 4, feather: 8 }],
    ["outpaint", { prompt: "more snow", image, aspect_ratio: "2:1" }],
    ["upscale", { image, factor: 2 }],
    ["remove_background", { image, background: image }],
  ];
  for (const [tool, args] of calls) {
    const first = await made(rest, args, tool);
    expect(first, tool).toMatchObject({ state: "completed" });
    expect(first.inputs["image"]?.id, tool).toMatch(/^u[0-9a-f]{64}$/);

    const second = await made(rest, first.arguments, tool);

    expect(second.arguments, tool).toEqual(first.arguments);
  }
});

test("the same key and body are one task, another body is refused", async () => {
  const rest = await start();
  const body = { tool: "generate_image", arguments: { prompt: "a fox" } };
  const key = { "idempotency-key": "k-1" };

  const first = await rest.post("/api/v1/tasks", body, key);
  const again = await rest.post("/api/v1/tasks", body, key);
  const other = await rest.post("/api/v1/tasks", { ...body, arguments: { prompt: "a cat" } }, key);
  const labelled = await rest.post("/api/v1/tasks", { ...body, label: "x" }, key);

  expect([first.status, again.status]).toEqual([202, 200]);
  expect((await taskIn(again)).id).toBe((await taskIn(first)).id);
  expect([other.status, labelled.status]).toEqual([409, 409]);
  expect((await errorIn(other)).code).toBe("idempotency_conflict");
});

test("lists go page by page, and by state, tool, face, words, seed and id", async () => {
  const rest = await start();
  const fox = await made(rest, { prompt: "Ein FUCHS im Schnee, über 100% weiß", seed: 11 });
  const cat = await made(rest, { prompt: "eine Katze", seed: 12 });
  const ids = async (query: string) => {
    const answer = await rest.get(`/api/v1/tasks?${query}`);
    const { tasks } = (await answer.json()) as { tasks: { id: string }[] };
    return tasks.map(({ id }) => id);
  };

  const page = (await (await rest.get("/api/v1/tasks?limit=1")).json()) as {
    tasks: { id: string }[];
    next_cursor: string;
  };

  expect(page.tasks.map(({ id }) => id)).toEqual([cat.id]);
  expect(await ids(`limit=1&cursor=${page.next_cursor}`)).toEqual([fox.id]);
  expect(await ids("state=completed,failed")).toEqual([cat.id, fox.id]);
  expect(await ids("state=queued")).toEqual([]);
  expect(await ids("tool=upscale")).toEqual([]);
  expect(await ids("via=rest")).toEqual([cat.id, fox.id]);
  expect(await ids("via=page,mcp")).toEqual([]);
  expect(await ids("q=fuchs")).toEqual([fox.id]);
  expect(await ids(`q=${encodeURIComponent("ÜBER 100%")}`)).toEqual([fox.id]);
  expect(await ids(`q=${encodeURIComponent("1_0%")}`)).toEqual([]);
  expect(await ids("q=12")).toEqual([cat.id]);
  expect(await ids("q=1")).toEqual([fox.id]);
  expect(await ids(`q=${fox.images[0]?.id}`)).toEqual([fox.id]);
  expect(await ids(`since=${encodeURIComponent(String(cat["created_at"]))}`)).toEqual([cat.id]);
  expect(await ids("before=2020-01-01")).toEqual([]);
});

test("what a query or a body has wrong is named", async () => {
  const rest = await start();
  const asked = async (query: string) => {
    const answer = await rest.get(`/api/v1/tasks?${query}`);
    return { status: answer.status, parameter: (await errorIn(answer)).parameter };
  };
  const create = async (body: unknown) => {
    const answer = await rest.post("/api/v1/tasks", body);
    return { status: answer.status, ...(await errorIn(answer)) };
  };

  expect(await asked("limit=0")).toEqual({ status: 400, parameter: "limit" });
  expect(await asked("state=done")).toMatchObject({ status: 400, parameter: "state" });
  expect(await asked("since=yesterday")).toEqual({ status: 400, parameter: "since" });
  expect(await asked("cursor=zzz")).toEqual({ status: 400, parameter: "cursor" });
  expect(await create({ tool: "generate_imge" })).toMatchObject({
    status: 400,
    parameter: "tool",
    message: expect.stringContaining("generate_image"),
  });
  expect(
    await create({ tool: "generate_image", arguments: { prompt: "x", width: "wide" } }),
  ).toMatchObject({ status: 400, parameter: "width" });
  expect(
    await create({ tool: "generate_image", arguments: { prompt: "x", wait_seconds: 3 } }),
  ).toMatchObject({ status: 400, parameter: "wait_seconds" });
  expect(await create({ tool: "generate_image", argument: {} })).toMatchObject({
    status: 400,
    parameter: "argument",
  });
  const text = await rest.request("/api/v1/tasks", { method: "POST", body: "{}" });
  expect([text.status, (await errorIn(text)).code]).toEqual([415, "unsupported_media_type"]);
  const broken = await rest.request("/api/v1/tasks", {
    method: "POST",
    body: "{",
    headers: { "content-type": "application/json" },
  });
  expect([broken.status, (await errorIn(broken)).code]).toEqual([400, "invalid_input"]);
});

test("a running task is cancelled with what it has made, one that had ended says so", async () => {
  const emulator = await startEmulator({ timing: { stepMs: 20 } });
  const rest = await startRest(emulator.url);
  const answer = await rest.post("/api/v1/tasks", {
    tool: "generate_image",
    arguments: { prompt: "slow", count: 3, steps: 60 },
  });
  const { id } = await taskIn(answer);

  const cancelled = await rest.request(`/api/v1/tasks/${id}/cancel`, { method: "POST" });
  const again = await rest.request(`/api/v1/tasks/${id}/cancel`, { method: "POST" });

  expect(await cancelled.json()).toMatchObject({
    task: { id, state: "cancelled" },
    message: expect.stringMatching(/^Cancelled.* 0 of 3 are kept\.$/),
  });
  expect(again.status).toBe(200);
  expect(await again.json()).toMatchObject({
    message: "It had ended before: cancelled. 0 of 3 are kept.",
  });
});

test("tasks are deleted one by one and by filter, after a look at what would go", async () => {
  const rest = await start();
  const [one, two] = [await made(rest, { prompt: "one" }), await made(rest, { prompt: "two" })];

  const single = await rest.request(`/api/v1/tasks/${one.id}`, { method: "DELETE" });
  const filter = { ids: [two.id, one.id], state: "completed" };
  const dry = await rest.post("/api/v1/tasks/delete", { filter, dry_run: true });
  const real = await rest.post("/api/v1/tasks/delete", { filter });
  const empty = await rest.post("/api/v1/tasks/delete", { filter: {} });
  const none = await rest.post("/api/v1/tasks/delete", { filter: { ids: [] } });

  expect(await single.json()).toMatchObject({ tasks: 1, images: 1, cancelled: 0 });
  expect(await dry.json()).toMatchObject({ tasks: 1, dry_run: true, unknown_ids: [one.id] });
  expect(await real.json()).toMatchObject({ tasks: 1, images: 1, dry_run: false });
  expect([empty.status, none.status]).toEqual([400, 400]);
  expect((await rest.get(`/api/v1/tasks/${two.id}`)).status).toBe(404);
});

test("another caller's tasks look like unknown ones, and an admin sees all", async () => {
  const rest = await start();
  const { id } = await made(rest, { prompt: "mine" });
  const unknown = "t00000000000000zz";
  const asBen = async (path: string, method: string) => {
    const answers = [id, unknown].map((each) =>
      rest.request(path.replace("ID", each), { method }, "ben"),
    );
    return Promise.all(
      answers.map(async (each) => [(await each).status, await (await each).text()]),
    );
  };

  for (const [path, method] of [
    ["/api/v1/tasks/ID", "GET"],
    ["/api/v1/tasks/ID", "DELETE"],
    ["/api/v1/tasks/ID/cancel", "POST"],
    ["/api/v1/tasks/ID/events", "GET"],
    ["/api/v1/tasks/ID/preview", "GET"],
  ] as const) {
    const [[status, text], other] = (await asBen(path, method)) as [[number, string], unknown[]];
    expect(status).toBe(404);
    expect([status, text.replaceAll(id, unknown)]).toEqual(other);
  }
  expect((await rest.request(`/api/v1/tasks/${id}`, {}, "admin")).status).toBe(200);
});

test("a caller without folders has neither paths nor places to save", async () => {
  const rest = await start();
  const ask = async (args: Record<string, unknown>, tool = "upscale") => {
    const answer = await rest.post("/api/v1/tasks", { tool, arguments: args });
    return { status: answer.status, ...(await errorIn(answer)) };
  };

  for (const image of ["/etc/hostname", "file:///etc/hostname", "../x.png", rest.world.dataDir]) {
    expect(await ask({ image }), image).toMatchObject({ status: 400, parameter: "image" });
  }
  expect(await ask({ prompt: "x", save_to: "x.png" }, "generate_image")).toMatchObject({
    status: 400,
    parameter: "save_to",
  });
});

test("without its scope nothing is read", async () => {
  const emulator = await startEmulator();
  const rest = await startRest(emulator.url, { scopes: ["generate"] });

  for (const path of ["/api/v1/tasks", "/api/v1/events", "/files/t0123456789abcdef-1"]) {
    expect((await rest.get(path)).status, path).toBe(403);
  }
  expect((await rest.get("/api/v1/me")).status).toBe(200);
  expect((await rest.get("/api/v1/openapi.json")).status).toBe(200);
});

test("without its scope nothing is made or removed", async () => {
  const emulator = await startEmulator();
  const rest = await startRest(emulator.url, { scopes: ["read"] });

  const created = await rest.post("/api/v1/tasks", { tool: "generate_image", arguments: {} });
  const deleted = await rest.post("/api/v1/tasks/delete", { filter: { state: "failed" } });
  const uploaded = await rest.request("/api/v1/uploads", { method: "POST" });
  const tools = await rest.get("/api/v1/tools");

  expect([created.status, deleted.status, uploaded.status]).toEqual([403, 403, 403]);
  expect((await errorIn(created)).code).toBe("forbidden");
  expect(await tools.json()).toEqual({ tools: [] });
});

test("a body that is too long is refused as that, though its length was not said", async () => {
  const emulator = await startEmulator();
  const { url } = await startHttp(await startApp(emulator.url));
  const answer = await fetch(`${url}/api/v1/tasks`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: new Blob([`{"tool":"${"x".repeat(80_000_000)}`]).stream(),
    duplex: "half",
  });

  expect([answer.status, (await errorIn(answer)).code]).toEqual([413, "too_large"]);
});
