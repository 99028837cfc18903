import path from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

/** A task of a server that lives, and the stream about it as another server gives it. */
async function watched() {
  const emulator = await startEmulator();
  const { app, dataDir } = await startApp(emulator.url);
  const store = await openSqlite(path.join(dataDir, "tasks.sqlite"));
  onTestFinished(() => store.close());
  const task = record({ server: "other", state: "running", backends: [emulator.url] });
  await store.beat({ id: "other", host: "elsewhere", pid: 1 }, 60_000);
  await store.insert(task, emptyRecipe);
  const stream = app.tasks.events(task.id, undefined, {});
  return { app, store, task, stream };
}

test("a stream ends though the task ended long before the first look at the other server", async () => {
  const { store, task, stream } = await watched();
  // As after a sleep: written now, by a clock that says a minute ago.
  const first = await stream.next();
  const sleeping = Date.now;
  Date.now = () => sleeping() - 60_000;
  await store.update({ ...task, state: "completed" });
  Date.now = sleeping;

  expect(first.value).toMatchObject({ kind: "state", task: { state: "running" } });
  expect((await stream.next()).value).toMatchObject({ task: { state: "completed" } });
  expect((await stream.next()).done).toBe(true);
});

test("a stream ends though the task is gone before the first look at the other server", async () => {
  const { store, task, stream } = await watched();
  await stream.next();
  await store.conceal(task.id);

  expect((await stream.next()).value).toMatchObject({ kind: "deleted", id: task.id });
  expect((await stream.next()).done).toBe(true);
});

test("a task whose recipe is lost fails with the reason when it is taken up", async () => {
  const emulator = await startEmulator();
  const dataDir = await tempDir();
  const file = path.join(dataDir, "tasks.sqlite");
  const store = await openSqlite(file);
  const task = record({
    state: "running",
    backends: [emulator.url],
    runs: [{ promptId: "p", state: "running", images: [] }],
  });
  await store.insert(task, emptyRecipe);
  await store.close();
  const raw = new KeyvSqlite({ uri: `sqlite://${file}`, table: "tasks" });
  await raw.query("DELETE FROM recipes");
  await raw.close();

  const { deps } = await startApp(emulator.url, { dataDir });
  const ended = await deps.studio.wait(task.id, 20_000);

  expect(ended).toMatchObject({ state: "failed", error: { code: "lost" } });
  expect(ended.runs[0]?.state).toBe("failed");
});
