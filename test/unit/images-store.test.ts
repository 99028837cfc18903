import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { FileBlobs } from "../../src/blobs/file-blobs.ts";
import { AppError } from "../../src/errors.ts";
import { storageError } from "../../src/files/storage-error.ts";
import { ImageStore } from "../../src/images/store.ts";
import { tempFolder } from "../fixtures/images/pictures.ts";

const imageId = "tab0123456789cdef-12";
const bytes = Buffer.from("the very bytes");
const sha256 = createHash("sha256").update(bytes).digest("hex");

test("a result is kept under its id and read back", async () => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));

  const kept = await store.putResult(imageId, bytes, "image/png");

  expect(kept).toEqual({ path: join(dir, "images", "ab", `${imageId}.png`), sha256 });
  expect(store.resultPath(imageId, "image/png")).toBe(kept.path);
  expect(await readFile(kept.path)).toEqual(bytes);
  expect(await store.readResult(imageId, "image/png")).toEqual(bytes);
});

test("a result put again replaces the file and leaves nothing beside it", async () => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));

  await store.putResult(imageId, Buffer.from("first"), "image/jpeg");
  await store.putResult(imageId, bytes, "image/jpeg");

  expect(await store.readResult(imageId, "image/jpeg")).toEqual(bytes);
  expect(await readdir(join(dir, "images", "ab"))).toEqual([`${imageId}.jpg`]);
});

test("deleting tells the bytes freed, and 0 the second time", async () => {
  const store = new ImageStore(new FileBlobs(await tempFolder()));
  await store.putResult(imageId, bytes, "image/webp");

  expect(await store.deleteResult(imageId, "image/webp")).toBe(bytes.length);
  expect(await store.deleteResult(imageId, "image/webp")).toBe(0);
});

test("a result that is gone says so", async () => {
  const store = new ImageStore(new FileBlobs(await tempFolder()));

  await expect(store.readResult(imageId, "image/png")).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringMatching(/^Image tab0123456789cdef-12 is gone \(.*\.png\)\./),
  });
});

test("an input is kept once under the hash of its content", async () => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));

  const first = await store.putInput(bytes, "image/png");
  const second = await store.putInput(bytes, "image/png");

  expect(first).toEqual({
    sha256,
    path: join(dir, "inputs", sha256.slice(0, 2), `${sha256}.png`),
  });
  expect(second).toEqual(first);
  expect(await store.readInput(sha256, "image/png")).toEqual(bytes);
  expect(await store.deleteInput(sha256, "image/png", async () => false)).toBe(bytes.length);
  await expect(store.readInput(sha256, "image/png")).rejects.toThrow(/is gone/);
});

test("an input whose file was damaged is written again", async () => {
  const store = new ImageStore(new FileBlobs(await tempFolder()));
  const { path } = await store.putInput(bytes, "image/png");
  await writeFile(path, "");

  await store.putInput(bytes, "image/png");

  expect(await readFile(path)).toEqual(bytes);
});

test("the same input put many times at once is one whole file", async () => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));

  await Promise.all(Array.from({ length: 20 }, () => store.putInput(bytes, "image/png")));

  expect(await readdir(join(dir, "inputs", sha256.slice(0, 2)))).toEqual([`${sha256}.png`]);
  expect(await store.readInput(sha256, "image/png")).toEqual(bytes);
});

const badIds = [
  "",
  "../../etc/passwd",
  "tab0123456789cdef",
  "tab0123456789cdef-12345",
  "tab0123456789cdef-1/../x",
  "tAB0123456789cdef-1",
  "tab0123456789cdef-1\n",
];

test.for(badIds)("the id %j never reaches the disk", async (id) => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));

  const error = await store.putResult(id, bytes, "image/png").catch((reason: unknown) => reason);

  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(AppError);
  await expect(store.readResult(id, "image/png")).rejects.toThrow(/not an image id/);
  await expect(store.deleteResult(id, "image/png")).rejects.toThrow(/not an image id/);
  expect(await readdir(dir)).toEqual([]);
});

test.for(["", "../x", "A".repeat(64), "a".repeat(63), `${"a".repeat(64)}/`])(
  "the hash %j never reaches the disk",
  async (hash) => {
    const store = new ImageStore(new FileBlobs(await tempFolder()));

    await expect(store.readInput(hash, "image/png")).rejects.toThrow(/not a sha256/);
    await expect(store.deleteInput(hash, "image/png", async () => false)).rejects.toThrow(
      /not a sha256/,
    );
  },
);

test("a type that is no picture never reaches the disk", async () => {
  const store = new ImageStore(new FileBlobs(await tempFolder()));

  await expect(store.putInput(bytes, "text/html" as "image/png")).rejects.toThrow(
    /no file extension for text\/html/,
  );
});

test("a data folder that cannot be written is named", async () => {
  const file = join(await tempFolder(), "a-file");
  await writeFile(file, "");
  const store = new ImageStore(new FileBlobs(file));

  await expect(store.putResult(imageId, bytes, "image/png")).rejects.toMatchObject({
    code: "storage",
    message: `The image folder ${file} cannot be used: part of that path is a file. Choose another data folder with --data-dir (EASEL_DATA_DIR).`,
  });
});

test("a write that fails leaves no temp file", async () => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));
  await mkdir(join(dir, "images", "ab", `${imageId}.png`), { recursive: true });

  await expect(store.putResult(imageId, bytes, "image/png")).rejects.toMatchObject({
    code: "storage",
  });
  expect(await readdir(join(dir, "images", "ab"))).toEqual([`${imageId}.png`]);
});

test.for([
  ["ENOSPC", /the disk is full\. Free some space/],
  ["EDQUOT", /quota is used up/],
  ["EACCES", /may not write there/],
  ["EPERM", /may not write there/],
  ["EROFS", /read-only file system/],
  ["EIO", /something with EIO/],
] as const)("%s is worded for the operator", ([code, message]) => {
  const error = storageError("/data", Object.assign(new Error(`something with ${code}`), { code }));

  expect(error).toMatchObject({ code: "storage", message: expect.stringMatching(message) });
  expect((error as Error).message).toMatch(/^The image folder \/data cannot be used: /);
});

test("a defect of ours is not called a storage problem", () => {
  const defect = new TypeError("x is not a function");

  expect(storageError("/data", defect)).toBe(defect);
});

test("sweeping removes temp files older than an hour and nothing else", async () => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));
  const { path } = await store.putResult(imageId, bytes, "image/png");
  const input = await store.putInput(bytes, "image/png");
  const now = Date.now();
  const old = new Date(now - 61 * 60 * 1000);
  for (const kept of [path, input.path]) {
    await writeFile(`${kept}.1.tmp`, "half");
    await utimes(`${kept}.1.tmp`, old, old);
    await writeFile(`${kept}.2.tmp`, "half");
    await utimes(kept, old, old);
  }

  expect(await store.sweepTemp(now)).toBe(2);

  expect((await readdir(join(dir, "images", "ab"))).sort()).toEqual([
    `${imageId}.png`,
    `${imageId}.png.2.tmp`,
  ]);
  expect(await readdir(join(dir, "inputs", sha256.slice(0, 2)))).toHaveLength(2);
});

test("sweeping an empty data folder finds nothing", async () => {
  expect(await new ImageStore(new FileBlobs(join(await tempFolder(), "new"))).sweepTemp()).toBe(0);
});

const small = { data: Buffer.from("small"), mimeType: "image/jpeg" as const };
const neverMade = () => Promise.reject(new Error("a preview was made again"));

test("a preview is kept beside its result, and goes with it", async () => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));
  const id = "t0123456789abcdef-1";
  const { path } = await store.putResult(id, Buffer.from("large"), "image/png", small);

  expect(await store.readPreview(id, "image/png", neverMade)).toEqual(small);
  expect(await readdir(dirname(path))).toHaveLength(2);
  expect(await store.deleteResult(id, "image/png")).toBe(5);
  expect(await readdir(dirname(path))).toEqual([]);
});

test("a missing preview is made from the original once, and kept", async () => {
  const store = new ImageStore(new FileBlobs(await tempFolder()));
  const id = "t0123456789abcdef-2";
  await store.putResult(id, Buffer.from("large"), "image/png");

  const made = await store.readPreview(id, "image/png", async (original) => ({
    data: Buffer.from(`small ${original.toString()}`),
    mimeType: "image/png",
  }));

  expect(made.data.toString()).toBe("small large");
  expect(await store.readPreview(id, "image/png", neverMade)).toEqual(made);
});

test("a result put again does not keep the preview of the old one", async () => {
  const store = new ImageStore(new FileBlobs(await tempFolder()));
  const id = "t0123456789abcdef-3";
  await store.putResult(id, Buffer.from("old"), "image/png", small);
  await store.putResult(id, Buffer.from("new"), "image/png");

  await expect(store.readPreview(id, "image/png", neverMade)).rejects.toThrow("made again");
});

test("an input that another process deleted meanwhile is there after it was put", async () => {
  const store = new ImageStore(new FileBlobs(await tempFolder()));
  const bytes = Buffer.from("input");
  const { sha256, path } = await store.putInput(bytes, "image/png");
  const first = await stat(path);

  await store.putInput(bytes, "image/png");

  // A new file: a deletion that had the old one open or in sight does not reach it.
  expect((await stat(path)).ino).not.toBe(first.ino);
  expect(await store.readInput(sha256, "image/png")).toEqual(bytes);
});

test.skipIf(process.platform === "win32")(
  "folders and files are their owner's alone (Windows has no such modes)",
  async () => {
    const dir = await tempFolder();
    const store = new ImageStore(new FileBlobs(join(dir, "data")));
    const { path } = await store.putResult("t0123456789abcdef-1", small.data, "image/png", small);
    await store.putInput(small.data, "image/png");

    for (const name of await readdir(dir, { recursive: true })) {
      const stats = await stat(join(dir, name));
      expect([name, stats.mode & 0o777]).toEqual([name, stats.isFile() ? 0o600 : 0o700]);
    }
    expect((await stat(path)).isFile()).toBe(true);
  },
);

test("a preview that a power cut left empty is made again", async () => {
  const dir = await tempFolder();
  const store = new ImageStore(new FileBlobs(dir));
  await store.putResult(imageId, bytes, "image/png", { data: bytes, mimeType: "image/jpeg" });
  await writeFile(join(dir, "images", "ab", `${imageId}.preview.jpg`), "");

  const made = { data: Buffer.from("anew"), mimeType: "image/jpeg" } as const;
  expect(await store.readPreview(imageId, "image/png", async () => made)).toEqual(made);
});
