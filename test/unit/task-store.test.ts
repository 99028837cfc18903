import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryTaskStore } from "../../src/tasks/store/memory.ts";
import { openTaskStore } from "../../src/tasks/store/open.ts";
import { SqliteTaskStore } from "../../src/tasks/store/sqlite.ts";
import type { TaskStore } from "../../src/tasks/store/store.ts";
import { record } from "../support/record.ts";
import {
  call,
  connect,
  quietLog,
  startApp,
  startEmulator,
  type ToolAnswer,
  tempDir,
} from "../support/world.ts";

function allText({ content }: ToolAnswer): string {
  return content.map((block) => String(block["text"] ?? "")).join("\n");
}

async function sqlite(dir?: string): Promise<SqliteTaskStore> {
  const store = await SqliteTaskStore.open(path.join(dir ?? (await tempDir()), "tasks.sqlite"));
  onTestFinished(() => store.close());
  return store;
}

const kinds: [string, () => Promise<TaskStore>][] = [
  ["SQLite", () => sqlite()],
  ["memory", async () => new MemoryTaskStore("for a test")],
];

describe.for(kinds)("%s", ([, open]) => {
  test("a record comes back as it was written, and an update of a missing one is refused", async () => {
    const store = await open();
    const task = record({ params: { prompt: "ä \u{1f98a} 'quoted' \"twice\"" } });
    await store.insert(task);

    expect(await store.get(task.id)).toEqual(task);
    expect(await store.update({ ...task, state: "running" })).toBe(true);
    expect((await store.get(task.id))?.state).toBe("running");
    expect(await store.update(record())).toBe(false);
  });

  test("pages are stable when times are equal and while records go", async () => {
    const store = await open();
    const tasks = Array.from({ length: 25 }, () => record());
    for (const task of tasks) await store.insert(task);
    const first = await store.list({}, 10);
    for (const { id } of first.tasks) {
      await store.conceal(id);
      await store.erase(id);
    }
    const second = await store.list({}, 10, first.cursor);
    const third = await store.list({}, 10, second.cursor);

    const ids = [first, second, third].flatMap((page) => page.tasks.map((task) => task.id));
    expect(ids).toHaveLength(25);
    expect(new Set(ids)).toEqual(new Set(tasks.map((task) => task.id)));
    expect(third.cursor).toBeUndefined();
  });

  test("a concealed record is neither seen nor written", async () => {
    const store = await open();
    const task = record();
    await store.insert(task);

    expect((await store.conceal(task.id))?.id).toBe(task.id);
    expect(await store.get(task.id)).toBeUndefined();
    expect(await store.update(task)).toBe(false);
    expect(await store.count({})).toBe(0);
    expect(await store.conceal(task.id)).toBeUndefined();
  });

  test("an input knows whether another task uses it", async () => {
    const store = await open();
    const image = {
      sha256: "a".repeat(64),
      mimeType: "image/png" as const,
      width: 1,
      height: 1,
      origin: "x",
    };
    const [one, two] = [record({ inputs: { image, mask: image } }), record({ inputs: { image } })];
    await store.insert(one);
    await store.insert(two);

    expect(await store.otherUsers(image.sha256, one.id)).toBe(1);
    await store.conceal(two.id);
    await store.erase(two.id);
    expect(await store.otherUsers(image.sha256, one.id)).toBe(0);
  });
});

const claim = {
  staleMs: 10_000,
  limit: 10,
  backend: "http://127.0.0.1:8188",
  workflows: ["generate_image/checkpoint"],
};

describe("leases", () => {
  test("tasks of another ComfyUI or of a workflow that is not known here are left alone", async () => {
    const store = await sqlite();
    await store.beat({ id: "x", host: "h", pid: 1 });
    await store.insert(record({ backend: "http://other:8188" }));
    await store.insert(record({ workflow: "somebody_elses" }));
    const ours = record();
    await store.insert(ours);

    expect((await store.claim("x", claim)).map((task) => task.id)).toEqual([ours.id]);
  });

  test("only the tasks of a silent or departed server can be claimed, once each", async () => {
    const dir = await tempDir();
    const [one, two] = [await sqlite(dir), await sqlite(dir)];
    const server = (id: string) => ({ id, host: "h", pid: 1 });
    for (const id of ["alive", "gone", "x", "y"]) await one.beat(server(id));
    const held = record({ owner: "alive", state: "running" });
    const left = record({ owner: "gone" });
    const ended = record({ owner: "gone", state: "completed" });
    for (const task of [held, left, ended]) await one.insert(task);
    await two.leave("gone");

    const claims = await Promise.all([one.claim("x", claim), two.claim("y", claim)]);

    expect(claims.flat().map((task) => task.id)).toEqual([left.id]);
    expect(await one.update(left)).toBe(false);
    const stale = await one.claim("z", { ...claim, staleMs: -1_000 });
    expect(new Set(stale.map((task) => task.id))).toEqual(new Set([held.id, left.id]));
  });
});

describe("trouble", () => {
  test("a damaged database is moved aside, not overwritten, and answers say so", async () => {
    const dataDir = await tempDir();
    const rubbish = Buffer.alloc(8192, "this is no database ");
    await writeFile(path.join(dataDir, "tasks.sqlite"), rubbish);
    const emulator = await startEmulator();
    const { deps } = await startApp(emulator.url, { dataDir });
    const client = await connect(deps);

    const listed = await call(client, "list_tasks");

    expect(allText(listed)).toMatch(/was damaged and was moved to .*tasks\.sqlite\.damaged-/);
    const aside = (await readdir(dataDir)).find((name) => name.includes("damaged"));
    expect(await readFile(path.join(dataDir, String(aside)))).toEqual(rubbish);
    expect((await call(client, "generate_image", { prompt: "x" })).text).toMatch(/^Done/);
  });

  test("a database that cannot be used leaves a server that works and says what it forgets", async () => {
    const dataDir = await tempDir();
    await mkdir(path.join(dataDir, "tasks.sqlite"));
    const emulator = await startEmulator();
    const { deps } = await startApp(emulator.url, { dataDir });
    const client = await connect(deps);

    const made = await call(client, "generate_image", { prompt: "x", width: 128, height: 128 });

    expect(made.isError).toBe(false);
    expect(allText(made)).toMatch(
      /Note: Tasks are kept in memory only.*tasks\.sqlite cannot be used/,
    );
    const listed = await call(client, "list_tasks");
    expect(allText(listed)).toMatch(/in memory only/);
    expect((listed.structured as { tasks: unknown[] }).tasks).toHaveLength(1);
  });

  test("a database that another process keeps locked is an error in words, not a hang", async () => {
    const dir = await tempDir();
    const store = await sqlite(dir);
    await store.insert(record());
    const locker = new KeyvSqlite({ uri: `sqlite://${path.join(dir, "tasks.sqlite")}` });
    await locker.query("BEGIN EXCLUSIVE");

    await expect(store.insert(record())).rejects.toThrow(/cannot be used: .*locked.*--data-dir/);

    await locker.query("ROLLBACK");
    await locker.close();
    await store.insert(record());
    expect(await store.count({})).toBe(2);
  });

  test("an open failure is told in the log", async () => {
    const dir = await tempDir();
    await mkdir(path.join(dir, "tasks.sqlite"));
    const log = quietLog();
    const store = await openTaskStore(dir, log);
    onTestFinished(() => store.close());

    expect(log.lines.join("\n")).toMatch(/in memory only/);
    await chmod(dir, 0o755);
  });
});
