import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openTaskStore } from "../../src/tasks/store/open.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import type { TaskStore } from "../../src/tasks/store/store.ts";
import { recipeHash } from "../../src/workflows/recipe.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { sharedKinds, storeKinds } from "../support/stores.ts";
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

async function sqlite(dir?: string): Promise<TaskStore> {
  return sqliteAt(path.join(dir ?? (await tempDir()), "tasks.sqlite"));
}

async function sqliteAt(file: string, busyMs?: number): Promise<TaskStore> {
  const store = await openSqlite(file, { busyMs });
  onTestFinished(() => store.close());
  return store;
}

describe.for(storeKinds)("$name", ({ fresh, missing }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));
  const open = async () => (await fresh())();

  test("a record comes back as it was written, and an update of a missing one is refused", async () => {
    const store = await open();
    const task = record({ params: { prompt: "ä \u{1f98a} 'quoted' \"twice\"" } });
    await store.insert(task, emptyRecipe);

    expect(await store.get(task.id)).toEqual(task);
    expect(await store.update({ ...task, state: "running" })).toBe(true);
    expect((await store.get(task.id))?.state).toBe("running");
    expect(await store.update(record())).toBe(false);
  });

  test("pages are stable when times are equal and while records go", async () => {
    const store = await open();
    const tasks = Array.from({ length: 25 }, () => record());
    for (const task of tasks) await store.insert(task, emptyRecipe);
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
    await store.insert(task, emptyRecipe);

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
    await store.insert(one, emptyRecipe);
    await store.insert(two, emptyRecipe);

    expect(await store.otherUsers(image.sha256, one.id)).toBe(1);
    await store.conceal(two.id);
    await store.erase(two.id);
    expect(await store.otherUsers(image.sha256, one.id)).toBe(0);
  });

  test("an input of a call whose task is not there yet has a user, until the call is refused", async () => {
    const store = await open();
    const sha256 = "a".repeat(64);
    await store.useInputs("t0000000000000001", [sha256]);

    expect(await store.otherUsers(sha256, record().id)).toBe(1);
    await store.dropInputs("t0000000000000001");
    expect(await store.otherUsers(sha256, record().id)).toBe(0);
  });

  test("what the pictures take follows every change of a record", async () => {
    const store = await open();
    const [one, two] = [record({ caller: "anna" }), record({ caller: "ben", resultBytes: 5 })];
    for (const task of [one, two]) await store.insert(task, emptyRecipe);
    expect(await store.totalBytes("anna")).toBe(0);

    await store.update({ ...one, resultBytes: 70 });
    await store.update({ ...one, resultBytes: 7 });
    expect([await store.totalBytes("anna"), await store.totalBytes()]).toEqual([7, 12]);

    await store.conceal(two.id);
    await store.erase(two.id);
    expect([await store.totalBytes("ben"), await store.totalBytes()]).toEqual([0, 7]);
  });
});

const all = () => true;
const lives = async () => {};

describe.for(sharedKinds)("leases on $name", ({ fresh, missing }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));

  test("only what a server can go on with is claimed", async () => {
    const store = await (await fresh())();
    await store.beat({ id: "x", host: "h", pid: 1 }, 10_000);
    await store.insert(record({ backends: ["http://other:8188"] }), emptyRecipe);
    const ours = record();
    await store.insert(ours, emptyRecipe);

    const claimed = await store.claim("x", (task) => task.id === ours.id, 10, lives);

    expect(claimed.map((task) => task.id)).toEqual([ours.id]);
  });

  test("only the tasks of a silent or departed server can be claimed, once each", async () => {
    const open = await fresh();
    const [one, two] = [await open(), await open()];
    const server = (id: string) => ({ id, host: "h", pid: 1 });
    for (const id of ["alive", "gone", "x", "y"]) await one.beat(server(id), 10_000);
    const held = record({ server: "alive", state: "running" });
    const left = record({ server: "gone" });
    const ended = record({ server: "gone", state: "completed" });
    for (const task of [held, left, ended]) await one.insert(task, emptyRecipe);
    await two.leave("gone");

    const claims = await Promise.all([
      one.claim("x", all, 10, lives),
      two.claim("y", all, 10, lives),
    ]);

    expect(claims.flat().map((task) => task.id)).toEqual([left.id]);
    expect(await one.update(left)).toBe(false);
    for (const id of ["alive", "x", "y"]) await one.beat(server(id), -1);
    const stale = await one.claim("z", all, 10, lives);
    expect(new Set(stale.map((task) => task.id))).toEqual(new Set([held.id, left.id]));
  });

  test("nobody takes what another has claimed at its first sign of life", async () => {
    const open = await fresh();
    const [one, two] = [await open(), await open()];
    const task = record({ server: "dead" });
    await one.insert(task, emptyRecipe);

    const first = await one.claim("x", all, 10, () =>
      one.beat({ id: "x", host: "h", pid: 1 }, 10_000),
    );
    const second = await two.claim("y", all, 10, lives);

    expect(first.map(({ id }) => id)).toEqual([task.id]);
    expect(second).toEqual([]);
  });

  test("many are claimed page by page, with none left out", async () => {
    const store = await (await fresh())();
    await store.beat({ id: "x", host: "h", pid: 1 }, 10_000);
    const tasks = Array.from({ length: 25 }, (_, i) => record({ backends: [`${i % 2}`] }));
    for (const task of tasks) await store.insert(task, emptyRecipe);

    const claimed = await store.claim("x", ({ backends }) => backends[0] === "1", 5, lives);
    const rest = await store.claim("x", ({ backends }) => backends[0] === "1", 100, lives);

    expect(claimed.length).toBeGreaterThanOrEqual(5);
    expect(claimed.length + rest.length).toBe(12);
  });
});

describe.for(sharedKinds)("several servers on $name", ({ fresh, missing }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));

  test("how far a task was is forgotten once it has ended", async () => {
    const store = await (await fresh())();
    const task = record();
    await store.insert(task, emptyRecipe);
    await store.showGlimpse({ task: task.id, progress: "{}" });
    await store.leave("x");
    expect(await store.glimpses(undefined, 0)).toHaveLength(1);

    await store.update({ ...task, state: "completed" });
    await store.leave("x");

    expect(await store.glimpses(undefined, 0)).toEqual([]);
  });

  test("a burst of changes larger than one page is told whole", async () => {
    const store = await (await fresh())();
    const mark = Date.now();
    const tasks = Array.from({ length: 1_200 }, () => record());
    // As if all were written in one second, however long this machine takes.
    const now = Date.now;
    Date.now = () => mark;
    await Promise.all(tasks.map((task) => store.insert(task, emptyRecipe)));
    Date.now = now;

    const { changed, isWhole } = await store.changes(mark);

    expect(new Set(changed.map(({ id }) => id)).size).toBe(tasks.length);
    expect(isWhole).toBe(true);
  });

  test("a task keeps its recipe though the only other one of it is erased at that moment", async () => {
    const open = await fresh();
    const [one, two] = [await open(), await open()];
    for (let i = 0; i < 40; i += 1) {
      const [old, next] = [record(), record()];
      await one.insert(old, emptyRecipe);
      await one.conceal(old.id);
      await Promise.all([one.erase(old.id), two.insert(next, emptyRecipe)]);
      expect(await one.recipe(next.recipe)).toEqual(emptyRecipe);
      await one.erase(next.id);
    }
  });
});

test("a caller's unfinished tasks are counted without a look at those that ended", async () => {
  const dir = await tempDir();
  await sqlite(dir);
  const raw = new KeyvSqlite({ uri: `sqlite://${path.join(dir, "tasks.sqlite")}`, table: "tasks" });
  onTestFinished(() => raw.close());

  const plan = await raw.query(
    "EXPLAIN QUERY PLAN SELECT count(*) FROM tasks WHERE deleted IS NULL AND caller = 'a' AND state IN ('queued', 'running')",
  );

  expect(JSON.stringify(plan)).toContain("(caller=? AND state=?)");
});

describe.for(sharedKinds)("wishes on $name", ({ fresh, missing }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));

  test("the server that works on a task reads what is wanted of it, and no other", async () => {
    const store = await (await fresh())();
    const [cancelled, deleted, quiet] = [1, 2, 3].map(() => record({ server: "x" }));
    for (const task of [cancelled, deleted, quiet]) await store.insert(task!, emptyRecipe);
    await store.wantCancel(cancelled!.id);
    await store.conceal(deleted!.id);

    expect(await store.wishes("x")).toEqual(
      expect.arrayContaining([
        { task: cancelled!.id, wish: "cancel" },
        { task: deleted!.id, wish: "delete" },
      ]),
    );
    expect(await store.wishes("x")).toHaveLength(2);
    expect(await store.wishes("y")).toEqual([]);
  });

  test("a deleted task that was unfinished can be claimed, so that its runs are stopped", async () => {
    const store = await (await fresh())();
    const task = record({ server: "dead", state: "running" });
    await store.insert(task, emptyRecipe);
    await store.conceal(task.id);

    const [claimed] = await store.claim("x", all, 10, lives);

    expect(claimed?.deletedAt).toBeTruthy();
    expect(await store.wishes("x")).toEqual([{ task: task.id, wish: "delete" }]);
  });
});

describe.for(storeKinds)("$name", ({ fresh, missing }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));
  const open = async () => (await fresh())();

  test("the same key of the same caller finds the task that is there", async () => {
    const store = await open();
    const idempotency = { key: "k", digest: "d" };
    const first = record({ idempotency });
    expect(await store.insert(first, emptyRecipe)).toBeUndefined();

    const again = await store.insert(record({ idempotency }), emptyRecipe);
    const other = await store.insert(record({ idempotency, caller: "other" }), emptyRecipe);

    expect(again?.id).toBe(first.id);
    expect(other).toBeUndefined();
    expect(await store.count({})).toBe(2);
  });

  test("a caller's listing holds its own tasks only", async () => {
    const store = await open();
    const mine = record({ caller: "me" });
    for (const task of [mine, record({ caller: "you" })]) await store.insert(task, emptyRecipe);

    expect((await store.list({ caller: "me" }, 10)).tasks.map(({ id }) => id)).toEqual([mine.id]);
    expect(await store.count({ caller: "nobody" })).toBe(0);
  });

  test("what is drained stays so until it is not", async () => {
    const { drains } = await open();
    for (const name of ["a", "b", "a"]) await drains.set(name, true);
    await drains.set("b", false);
    await drains.set("c", false);

    expect([...(await drains.all())]).toEqual(["a"]);
  });

  test("a recipe is there as long as a task needs it", async () => {
    const store = await open();
    const recipe = { ...emptyRecipe, outputs: ["9"] };
    const hash = recipeHash(recipe);
    const [one, two] = [record({ recipe: hash }), record({ recipe: hash })];
    await store.insert(one, recipe);
    await store.insert(two, recipe);

    await store.conceal(one.id);
    await store.erase(one.id);
    expect(await store.recipe(hash)).toEqual(recipe);
    await store.conceal(two.id);
    await store.erase(two.id);
    expect(await store.recipe(hash)).toBeUndefined();
  });
});

describe("the schema", () => {
  test("a database of a newer version is left alone, and said so", async () => {
    const dir = await tempDir();
    const file = path.join(dir, "tasks.sqlite");
    await (await openSqlite(file)).close();
    const sqlite = new KeyvSqlite({ uri: `sqlite://${file}` });
    await sqlite.query("PRAGMA user_version = 99");
    await sqlite.close();

    const store = await openTaskStore(dir, quietLog());
    onTestFinished(() => store.close());

    expect(store.notice).toMatch(/newer comfy-easel \(schema 99, this one knows \d+\); update/);
    expect(await readdir(dir)).toContain("tasks.sqlite");
  });

  test("nobody else can read the database", async () => {
    const dir = path.join(await tempDir(), "data");
    const store = await sqlite(dir);
    await store.insert(record(), emptyRecipe);

    expect((await stat(dir)).mode & 0o077).toBe(0);
    for (const file of await readdir(dir)) {
      expect((await stat(path.join(dir, file))).mode & 0o077, file).toBe(0);
    }
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
    const store = await sqliteAt(path.join(dir, "tasks.sqlite"), 100);
    await store.insert(record(), emptyRecipe);
    const locker = new KeyvSqlite({ uri: `sqlite://${path.join(dir, "tasks.sqlite")}` });
    await locker.query("BEGIN EXCLUSIVE");

    await expect(store.insert(record(), emptyRecipe)).rejects.toThrow(
      /cannot be used: .*locked.*--data-dir/,
    );

    await locker.query("ROLLBACK");
    await locker.close();
    await store.insert(record(), emptyRecipe);
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
