import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { FileBlobs } from "../../src/blobs/file-blobs.ts";
import { ImageStore } from "../../src/images/store.ts";
import { openPostgres } from "../../src/tasks/store/postgres.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import type { Task } from "../../src/tasks/task.ts";
import { cli } from "../support/child.ts";
import { noPostgres } from "../support/postgres.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { freshDatabase } from "../support/stores.ts";
import { quietLog, tempDir } from "../support/world.ts";

beforeEach((context) => context.skip(noPostgres !== undefined, noPostgres));

/** A data folder with tasks, pictures, an upload, a name and a message. */
async function installation(count: number) {
  const dir = await tempDir();
  const images = new ImageStore(new FileBlobs(dir));
  const store = await openSqlite(path.join(dir, "tasks.sqlite"));
  const tasks = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const task = record({ state: "completed", params: { prompt: `fox ${at}\0`, at } });
      const bytes = randomBytes(400);
      const { sha256 } = await images.putResult(`${task.id}-1`, bytes, "image/png", {
        data: randomBytes(50),
        mimeType: "image/jpeg",
      });
      const image = { id: `${task.id}-1`, mimeType: "image/png" as const, sha256 };
      const size = { bytes: bytes.length, width: 1, height: 1, seed: 1 };
      const images1 = [{ ...image, ...size }] as never;
      task.runs = [{ promptId: `p${at}`, seed: 1, state: "completed", images: images1 }];
      task.resultBytes = bytes.length;
      await store.insert(task, emptyRecipe);
      return task;
    }),
  );
  const upload = await images.putInput(randomBytes(300), "image/png");
  await store.keepUpload("anna", upload.sha256);
  await store.names.set({ caller: "anna", kind: "input", name: "a.png", ref: upload.sha256 });
  await store.wantCancel("t0000000000000001");
  await store.outbox.add({ id: "m", taskId: "t", webhook: { url: "u" }, body: "", attempts: 0 });
  await store.close();
  return { dir, tasks, upload: upload.sha256 };
}

const imageOf = (task: Task) => task.runs[0]?.images[0] ?? { sha256: "" };

test("an installation is moved whole though the move was killed, and each byte is the same", async () => {
  const { dir, tasks, upload } = await installation(210);
  const url = await freshDatabase();
  const there = await tempDir();
  const args = ["migrate", "--from", dir, "--to", url, "--blobs", there];
  const child = spawn(process.execPath, [cli, ...args]);
  const exited = once(child, "exit");
  for await (const line of createInterface({ input: child.stderr })) {
    if (/^tasks 200\/210/.test(line)) break;
  }
  child.kill("SIGKILL");
  await exited;

  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args]);

  expect(stdout).toMatch(/^215 rows and 421 pictures and inputs \(\d+ bytes\) are there/);
  const store = await openPostgres(url, quietLog());
  onTestFinished(() => store.close());
  const images = new ImageStore(new FileBlobs(there));
  expect(await store.count({})).toBe(210);
  expect(await store.totalBytes()).toBe(210 * 400);
  const last = tasks.at(-1) as Task;
  expect(await store.get(last.id)).toEqual({
    ...last,
    params: { ...last.params, prompt: "fox 209\ufffd" },
  });
  for (const task of [tasks[0] as Task, last]) {
    const bytes = await images.readResult(`${task.id}-1`, "image/png");
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(imageOf(task).sha256);
  }
  expect(await images.readInput(upload, "image/png")).toHaveLength(300);
  expect(await store.names.find("anna", "input", "a.png")).toBe(upload);
  expect(await store.outbox.take(1_000, 9, false)).toMatchObject([{ id: "m" }]);
});

test("a folder in which a server works, and one without records, is not moved", async () => {
  const url = await freshDatabase();
  const dir = await tempDir();
  const run = () =>
    promisify(execFile)(process.execPath, [cli, "migrate", "--from", dir, "--to", url]);
  await expect(run()).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no tasks\.sqlite/),
  });
  const store = await openSqlite(path.join(dir, "tasks.sqlite"));
  await store.beat({ id: "x", host: "", pid: 1 }, 60_000);
  await store.close();

  await expect(run()).rejects.toMatchObject({ stderr: expect.stringMatching(/a server works in/) });
});
