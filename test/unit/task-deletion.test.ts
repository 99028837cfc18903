import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ImageStore } from "../../src/images/store.ts";
import { erase } from "../../src/tasks/deletion.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { tempDir } from "../support/world.ts";

test("of two tasks that are erased at once, the picture both used goes too", async () => {
  const dir = await tempDir();
  const images = new ImageStore(dir);
  const store = await openSqlite(path.join(dir, "tasks.sqlite"));
  onTestFinished(() => store.close());
  const { sha256 } = await images.putInput(Buffer.from("picture"), "image/png");
  const input = { sha256, width: 1, height: 1, mimeType: "image/png" as const, origin: "x" };
  const tasks = [1, 2].map(() => record({ state: "completed", inputs: { image: input } }));
  for (const task of tasks) await store.insert(task, emptyRecipe);
  for (const { id } of tasks) await store.conceal(id);

  await Promise.all(tasks.map((task) => erase(store, images, task)));

  await expect(images.readInput(sha256, "image/png")).rejects.toThrow(/gone from disk/);
});
