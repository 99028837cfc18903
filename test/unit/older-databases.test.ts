import path from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import { newTaskId } from "../../src/tasks/task.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

/** As 0.1.0 made them. */
const firstSchema = [
  "CREATE INDEX IF NOT EXISTS tasks_created ON tasks(json_extract(value, '$.value.createdAt'), key)",
  "CREATE TABLE IF NOT EXISTS outbox(id TEXT PRIMARY KEY, due INTEGER, message TEXT) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS task_inputs(sha256 TEXT, task TEXT, PRIMARY KEY (sha256, task)) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS servers(id TEXT PRIMARY KEY, beat INTEGER, host TEXT, pid INTEGER) WITHOUT ROWID",
];

/** A record of 0.1.0, with every field such a one has. */
function firstRecord(backend: string, changes: Record<string, unknown> = {}) {
  return {
    id: newTaskId(),
    tool: "generate_image",
    workflow: "flux_dev_gguf",
    graphHash: "599ad2e5b379cea8b194c4087541f6a2fc32c09db3302bde38413414e4402bc8",
    backend,
    state: "queued",
    owner: "c960e4a7-b382-4a01-8bf3-76221c54c9be",
    createdAt: "2026-11-21T20:02:46.935Z",
    params: { prompt: "a {red|blue} cat", width: 96, height: 64, steps: 2, guidance: 3.5 },
    inputs: {},
    uploads: {},
    choices: {
      "10.vae_name": "ae.safetensors",
      "11.clip_name1": "t5-v1_1-xxl-encoder-Q8_0.gguf",
      "11.clip_name2": "clip_l.safetensors",
      "12.unet_name": "flux1-dev-Q8_0.gguf",
    },
    render: { width: 96, height: 64 },
    outputFormat: "png",
    runs: [
      {
        promptId: "487501fd-7085-446b-a4e5-876ce013979a",
        state: "queued",
        images: [],
        seed: 7,
        prompt: "a red cat",
      },
    ],
    warnings: [],
    ...changes,
  };
}

async function firstDatabase(dir: string, records: readonly { id: string }[]): Promise<void> {
  const file = path.join(dir, "tasks.sqlite");
  const sqlite = new KeyvSqlite({ uri: `sqlite://${file}`, table: "tasks" });
  for (const statement of firstSchema) await sqlite.query(statement);
  for (const value of records) {
    const text = JSON.stringify({ value });
    await sqlite.query("INSERT INTO tasks(key, value) VALUES (?, ?)", value.id, text);
  }
  await sqlite.close();
}

test("tasks of 0.1.0 that had not ended are gone on with, under their prompt ids and to their target", async () => {
  const [emulator, dataDir] = [await startEmulator(), await tempDir()];
  const target = path.join(dataDir, "cat.png");
  const open = firstRecord(emulator.url, { saveTo: { target, overwrite: false } });
  await firstDatabase(dataDir, [open]);

  const { deps } = await startApp(emulator.url, { dataDir });
  const ended = await deps.studio.wait(open.id, 30_000);

  expect(ended).toMatchObject({
    state: "completed",
    savedTo: [target],
    runs: [{ promptId: open.runs[0]?.promptId, images: [{ width: 96, height: 64, seed: 7 }] }],
  });
  expect(ended).not.toHaveProperty("before");
  expect(emulator.queued).toEqual([open.runs[0]?.promptId]);
  const again = await deps.studio.again(open.id);
  expect((await deps.studio.wait(again.id, 30_000)).runs[0]).toMatchObject({
    prompt: "a red cat",
    seed: 7,
    state: "completed",
  });
});

test("a cancel that 0.1.0 still owed is carried out, and a task of a workflow that is gone has failed", async () => {
  const [emulator, dataDir] = [await startEmulator(), await tempDir()];
  const unwanted = firstRecord(emulator.url, { cancelAskedAt: "2026-11-21T20:03:05.536Z" });
  const orphan = firstRecord(emulator.url, { workflow: "my_own" });
  const relative = firstRecord(emulator.url, {
    cancelAskedAt: "2026-11-21T20:03:05.536Z",
    saveTo: { target: "cat.png", overwrite: false },
  });
  await firstDatabase(dataDir, [unwanted, orphan, relative]);

  const { studio } = (await startApp(emulator.url, { dataDir })).deps;

  expect(await studio.wait(unwanted.id, 30_000)).toMatchObject({ state: "cancelled" });
  expect(await studio.wait(orphan.id, 30_000)).toMatchObject({
    state: "failed",
    error: { code: "lost" },
  });
  expect((await studio.wait(relative.id, 30_000)).warnings.join()).toMatch(
    /Not saved: .*"cat.png"/,
  );
  expect(emulator.queued).toEqual([]);
});

test("what 0.1.0 had ended is shown as before", async () => {
  const dir = await tempDir();
  const done = firstRecord("http://127.0.0.1:8188", { state: "completed", resultBytes: 33_588 });
  await firstDatabase(dir, [done]);

  const store = await openSqlite(path.join(dir, "tasks.sqlite"));
  onTestFinished(() => store.close());

  const shown = await store.get(done.id);
  expect(shown).toMatchObject({ state: "completed", caller: "owner", params: done.params });
  expect(Object.keys(shown ?? {})).not.toEqual(expect.arrayContaining(["choices"]));
  expect((await store.list({ caller: "owner" }, 10)).tasks).toHaveLength(1);
  expect(await store.totalBytes("owner")).toBe(33_588);
});

test("a database of the first schema counts what its pictures take, and gets what came since", async () => {
  const file = path.join(await tempDir(), "tasks.sqlite");
  const store = await openSqlite(file);
  await store.insert(record({ state: "completed", resultBytes: 7 }), emptyRecipe);
  await store.close();
  const sqlite = new KeyvSqlite({ uri: `sqlite://${file}`, table: "tasks" });
  for (const by of ["insert", "update", "delete"]) await sqlite.query(`DROP TRIGGER kept_by_${by}`);
  await sqlite.query("DROP TABLE kept");
  await sqlite.query("DROP TABLE names");
  await sqlite.query("DROP TABLE drained");
  await sqlite.query("PRAGMA user_version = 1");
  await sqlite.close();

  const migrated = await openSqlite(file);
  onTestFinished(() => migrated.close());
  await migrated.insert(record({ state: "completed", resultBytes: 5 }), emptyRecipe);

  expect(await migrated.totalBytes()).toBe(12);
});
