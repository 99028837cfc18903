import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import type { Task } from "../../src/tasks/task.ts";
import { emptyRecipe, record } from "../support/record.ts";
import {
  call,
  connect,
  imageIdsIn,
  pathsIn,
  startApp,
  startEmulator,
  taskIdIn,
  tempDir,
} from "../support/world.ts";

const small = { width: 256, height: 256 };

/** A data folder with `count` tasks, one a minute from 2026-01-01. */
async function filledDir(count: number, change: (i: number) => Partial<Task> = () => ({})) {
  const dir = await tempDir();
  const store = await openSqlite(path.join(dir, "tasks.sqlite"));
  const start = Date.parse("2026-01-01T00:00:00Z");
  for (let i = 0; i < count; i += 1) {
    await store.insert(
      record({
        createdAt: new Date(start + i * 60_000).toISOString(),
        state: "completed",
        params: { prompt: "p".repeat(500) },
        ...change(i),
      }),
      emptyRecipe,
    );
  }
  await store.close();
  return dir;
}

interface Listing {
  tasks: { task_id: string; state: string; tool: string; created_at: string }[];
  next_cursor?: string;
}

test("pages go through every task once, newest first, and each stays small", async () => {
  const emulator = await startEmulator();
  const { deps } = await startApp(emulator.url, { dataDir: await filledDir(230) });
  const client = await connect(deps);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const { structured, text } = await call(client, "list_tasks", {
      limit: 100,
      ...(cursor ? { cursor } : {}),
    });
    const page = structured as unknown as Listing;
    seen.push(...page.tasks.map((task) => task.created_at));
    expect(text.length / 4).toBeLessThan(10_000);
    cursor = page.next_cursor;
  } while (cursor);

  expect(seen).toHaveLength(230);
  expect(seen).toEqual(seen.toSorted((a, b) => b.localeCompare(a)));
  expect(new Set(seen).size).toBe(230);
});

test("state, tool and time range narrow the list", async () => {
  const emulator = await startEmulator();
  const dataDir = await filledDir(30, (i) => ({
    state: i % 3 === 0 ? "failed" : "completed",
    tool: i % 2 === 0 ? "img2img" : "generate_image",
  }));
  const { deps } = await startApp(emulator.url, { dataDir });
  const client = await connect(deps);
  const list = async (args: Record<string, unknown>) =>
    ((await call(client, "list_tasks", { limit: 100, ...args })).structured as unknown as Listing)
      .tasks;

  expect(await list({ state: "failed" })).toHaveLength(10);
  expect(await list({ tool: "img2img", state: "failed" })).toHaveLength(5);
  expect(
    await list({ since: "2026-01-01T00:10:00Z", before: "2026-01-01T00:20:00Z" }),
  ).toHaveLength(10);
  expect(await list({ since: "2026-01-01T01:20+01:00" })).toHaveLength(10);
  expect(await list({ since: "2026-01-02" })).toHaveLength(0);
});

describe("delete_tasks", () => {
  test("a dry run counts and removes nothing; the real one removes records and files", async () => {
    const emulator = await startEmulator();
    const { deps } = await startApp(emulator.url);
    const client = await connect(deps);
    const first = await call(client, "generate_image", { prompt: "one", count: 2, ...small });
    const second = await call(client, "generate_image", { prompt: "two", ...small });
    const ids = [taskIdIn(first.text), "t0000000000000000"];

    const dry = await call(client, "delete_tasks", { task_ids: ids, dry_run: true });
    expect(dry.structured).toMatchObject({
      tasks: 1,
      images: 2,
      dry_run: true,
      would_delete: [ids[0]],
    });
    expect(dry.text).toMatch(/^Would delete 1 task and 2 images.*\n- t\w+ completed.*"one"/);
    expect(pathsIn(first.text).every(existsSync)).toBe(true);

    const real = await call(client, "delete_tasks", { task_ids: ids });
    expect(real.text).toMatch(/^Deleted 1 task and 2 images .*Not on record: t0000000000000000/);
    expect(pathsIn(first.text).some(existsSync)).toBe(false);
    expect((await call(client, "task_status", { task_id: ids[0] })).isError).toBe(true);
    expect((await call(client, "get_image", { image_id: imageIdsIn(first.text)[0] })).isError).toBe(
      true,
    );
    expect(pathsIn(second.text).every(existsSync)).toBe(true);
  });

  test("an input stays while another task uses it, and goes with the last", async () => {
    const emulator = await startEmulator();
    const { app, deps } = await startApp(emulator.url);
    const client = await connect(deps);
    const first = await call(client, "generate_image", { prompt: "one", ...small });
    const image = imageIdsIn(first.text)[0];
    const cuts = [
      await call(client, "remove_background", { image }),
      await call(client, "remove_background", { image }),
    ].map(({ text }) => taskIdIn(text));
    const { sha256, mimeType } = (await app.tasks.get(String(cuts[0]))).inputs["image"]!;

    await call(client, "delete_tasks", { task_ids: [cuts[0]] });
    expect((await app.images.readInput(sha256, mimeType)).length).toBeGreaterThan(0);

    await call(client, "delete_tasks", { task_ids: [cuts[1]] });
    await expect(app.images.readInput(sha256, mimeType)).rejects.toThrow(/is gone/);
  });

  test("a running task is cancelled first, and nothing of it comes back", async () => {
    const emulator = await startEmulator();
    const hold = emulator.hold("VAEDecode");
    const { app, deps } = await startApp(emulator.url);
    const client = await connect(deps);
    const early = await call(client, "generate_image", { prompt: "x", count: 2, wait_seconds: 0 });
    await hold.reached;

    const answer = await call(client, "delete_tasks", { state: "running" });

    expect(answer.structured).toMatchObject({ tasks: 1, cancelled: 1 });
    hold.release();
    const next = await call(client, "generate_image", { prompt: "y", ...small });
    expect(next.text).toMatch(/^Done/);
    const { tasks } = await app.tasks.list({}, 10);
    expect(tasks.map((task) => task.id)).toEqual([taskIdIn(next.text)]);
    expect(taskIdIn(early.text)).not.toBe(taskIdIn(next.text));
  });
});

test("tasks, seeds and pictures are there after a restart of the server", async () => {
  const emulator = await startEmulator();
  const before = await startApp(emulator.url);
  const { text } = await call(await connect(before.deps), "generate_image", {
    prompt: "x",
    ...small,
  });
  await before.app.close();

  const after = await startApp(emulator.url, { dataDir: before.dataDir });
  const again = await call(await connect(after.deps), "task_status", { task_id: taskIdIn(text) });

  expect(again.text).toBe(text);
  expect(again.content.map((block) => block.type)).toEqual(["text", "image"]);
});

test("a task that was at work when the server ended comes to its picture after it starts", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("VAEDecode");
  const before = await startApp(emulator.url);
  const early = await call(await connect(before.deps), "generate_image", {
    prompt: "x",
    wait_seconds: 0,
  });
  await hold.reached;
  await before.app.close();

  const after = await startApp(emulator.url, { dataDir: before.dataDir });
  hold.release();
  const late = await call(await connect(after.deps), "task_status", {
    task_id: taskIdIn(early.text),
  });

  expect(late.text).toMatch(/^Done/);
  expect(emulator.outputFiles()).toHaveLength(1);
});

test("resources are listed in pages, read, and announced when subscribed to", async () => {
  const emulator = await startEmulator();
  const { deps } = await startApp(emulator.url, { dataDir: await filledDir(60) });
  const client = await connect(deps);
  const uris: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listResources(cursor ? { cursor } : {});
    uris.push(...page.resources.map((resource) => resource.uri));
    cursor = page.nextCursor;
  } while (cursor);
  expect(uris.filter((uri) => uri.startsWith("comfy://tasks/"))).toHaveLength(60);
  expect(uris).toContain("comfy://workflows/checkpoint");

  const workflow = await client.readResource({ uri: "comfy://workflows/checkpoint" });
  expect(
    JSON.parse((workflow.contents[0] as { text: string }).text).map(
      (w: { tool: string }) => w.tool,
    ),
  ).toEqual(expect.arrayContaining(["generate_image", "img2img"]));
  await expect(client.readResource({ uri: "comfy://tasks/none" })).rejects.toThrow(
    /no task "none"/,
  );
  const { resourceTemplates } = await client.listResourceTemplates();
  expect(resourceTemplates.map((template) => template.uriTemplate)).toEqual([
    "comfy://images/{id}",
    "comfy://tasks/{id}",
    "comfy://workflows/{name}",
  ]);
});
