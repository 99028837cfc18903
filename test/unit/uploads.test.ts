import sharp from "sharp";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { FileBlobs } from "../../src/blobs/file-blobs.ts";
import { ImageSources } from "../../src/images/source.ts";
import { ImageStore } from "../../src/images/store.ts";
import { MemoryTaskStore } from "../../src/tasks/store/memory.ts";
import { Uploads } from "../../src/tasks/uploads.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { quietLog, tempDir } from "../support/world.ts";

afterEach(() => {
  vi.useRealTimers();
});

async function start() {
  const images = new ImageStore(new FileBlobs(await tempDir()));
  const store = new MemoryTaskStore("for a test");
  return { images, store, uploads: new Uploads(store, images, new ImageSources()) };
}

function picture(background: string): Promise<Buffer> {
  return sharp({ create: { width: 8, height: 4, channels: 3, background } })
    .png()
    .toBuffer();
}

test("an upload that nothing has used for a day goes with its file", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
  const { images, uploads } = await start();
  await uploads.start(quietLog());
  onTestFinished(() => uploads.close());
  const old = await uploads.put("anna", await picture("red"));
  vi.setSystemTime(Date.now() + 24 * 3_600_000);
  const fresh = await uploads.put("anna", await picture("blue"));

  vi.advanceTimersByTime(3_600_000);

  const left = () => images.readInput(old.sha256, "image/png").catch((error) => error.message);
  await expect.poll(left).toMatch("Send it again.");
  expect(await uploads.read(old.sha256, "anna")).toBeUndefined();
  expect(await uploads.read(fresh.sha256, "anna")).toBeInstanceOf(Buffer);
});

test("one that a task has used stays for as long as the task", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { store, uploads } = await start();
  onTestFinished(() => uploads.close());
  const used = await uploads.put("anna", await picture("red"));
  const { sha256, width, height, mimeType } = used;
  const input = { sha256, width, height, mimeType, origin: "upload" };
  await store.insert(record({ caller: "anna", inputs: { image: input } }), emptyRecipe);
  vi.setSystemTime(Date.now() + 25 * 3_600_000);

  await uploads.start(quietLog());

  expect(await uploads.read(sha256, "anna")).toBeInstanceOf(Buffer);
  expect(await uploads.read(sha256, "ben")).toBeUndefined();
});

test("the same picture sent twice is one upload", async () => {
  const { uploads } = await start();
  const png = await picture("red");
  const webp = await sharp(png).webp({ lossless: true }).toBuffer();

  const first = await uploads.put("anna", webp);
  const second = await uploads.put("anna", webp);

  expect(second).toEqual(first);
  expect(first).toMatchObject({ width: 8, height: 4, mimeType: "image/png" });
});
