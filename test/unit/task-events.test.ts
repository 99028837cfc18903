import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { startApp, startEmulator } from "../support/world.ts";

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
