import { existsSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { makeFolder } from "../../src/files/make-folder.ts";
import { tempDir } from "../support/world.ts";

test("a folder is made with those above it, and may be there already", async () => {
  const folder = path.join(await tempDir(), "a", "b", "c");

  await Promise.all([makeFolder(folder), makeFolder(folder)]);
  await makeFolder(folder);

  expect((await stat(folder)).isDirectory()).toBe(true);
});

test("a file in the way is refused", async () => {
  const file = path.join(await tempDir(), "file");
  await writeFile(file, "");

  await expect(makeFolder(file)).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(path.join(file, "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

test.skipIf(!existsSync("/proc/self"))(
  "a file system without room for folders answers, where Node's own mkdir never returns",
  async () => {
    await expect(makeFolder("/proc/comfy-easel/data")).rejects.toMatchObject({ code: "ENOENT" });
  },
);
