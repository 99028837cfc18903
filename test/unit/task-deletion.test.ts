import { readdir } from "node:fs/promises";
import path from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { expect, onTestFinished, test } from "vitest";
import { FileBlobs } from "../../src/blobs/file-blobs.ts";
import { ImageStore } from "../../src/images/store.ts";
import { erase } from "../../src/tasks/deletion.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

test("of two tasks that are erased at once, the picture both used goes too", async () => {
  const dir = await tempDir();
  const images = new ImageStore(new FileBlobs(dir));
  const store = await openSqlite(path.join(dir, "tasks.sqlite"));
  onTestFinished(() => store.close());
  const { sha256 } = await images.putInput(Buffer.from("picture"), "image/png");
  const input = { sha256, width: 1, height: 1, mimeType: "image/png" as const, origin: "x" };
  const tasks = [1, 2].map(() => record({ state: "completed", inputs: { image: input } }));
  for (const task of tasks) await store.insert(task, emptyRecipe);
  for (const { id } of tasks) await store.conceal(id);

  await Promise.all(tasks.map((task) => erase(store, images, task)));

  await expect(images.readInput(sha256, "image/png")).rejects.toThrow(/is gone/);
});

test("to make a task again that is deleted while ComfyUI wakes is refused, and leaves no input", async () => {
  const emulator = await startEmulator();
  const first = await startApp(emulator.url);
  const { studio } = first.deps;
  const small = { prompt: "x", width: 64, height: 64 };
  const source = await studio.submit("generate_image", { parameters: small });
  await studio.wait(source.id, 30_000);
  const { id } = await studio.submit("img2img", { parameters: { prompt: "y", image: source.id } });
  await studio.wait(id, 30_000);
  await first.app.close();
  emulator.faults.failRequests = [
    { method: "GET", path: "/system_stats", times: 1_000_000, status: 503 },
  ];
  const { deps, dataDir } = await startApp(emulator.url, { dataDir: first.dataDir });
  const asked = emulator.requests.length;

  const again = deps.studio.again(id);
  const refused = expect(again).rejects.toMatchObject({ code: "not_found" });
  await expect.poll(() => emulator.requests.length).toBeGreaterThan(asked);
  await deps.studio.delete({ ids: [id] }, false);
  emulator.faults.failRequests = [];
  await refused;

  const inputs = await readdir(path.join(dataDir, "inputs"), { recursive: true });
  expect(inputs.filter((name) => name.endsWith(".png"))).toEqual([]);
  expect((await deps.studio.list({}, 10)).tasks.map((task) => task.id)).toEqual([source.id]);
});

test("what was deleted is told though another one could not be", async () => {
  const emulator = await startEmulator();
  const { deps, dataDir } = await startApp(emulator.url);
  const tasks = ["a", "b"].map((prompt) =>
    deps.studio.submit("generate_image", { parameters: { prompt, width: 64, height: 64 } }),
  );
  const [stuck, gone] = await Promise.all(
    tasks.map(async (task) => (await deps.studio.wait((await task).id, 30_000)).id),
  );
  const sqlite = new KeyvSqlite({ uri: `sqlite://${path.join(dataDir, "tasks.sqlite")}` });
  await sqlite.query(`CREATE TRIGGER full BEFORE UPDATE ON tasks WHEN NEW.key = '${stuck}'
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  await sqlite.close();

  const report = await deps.studio.delete({}, false);

  expect(report.named.map(({ id }) => id)).toEqual([gone]);
  expect((await deps.studio.list({}, 10)).tasks.map(({ id }) => id)).toEqual([stuck]);
  await expect(deps.studio.delete({}, false)).rejects.toMatchObject({ code: "storage" });
});
