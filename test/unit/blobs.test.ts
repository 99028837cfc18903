import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Blobs } from "../../src/blobs/blobs.ts";
import { FileBlobs } from "../../src/blobs/file-blobs.ts";
import { S3Blobs } from "../../src/blobs/s3-blobs.ts";
import { assembled } from "../support/http.ts";
import { noS3, S3 } from "../support/s3.ts";
import { imageIdsIn, startApp, startEmulator, tempDir } from "../support/world.ts";

let server: Awaited<ReturnType<typeof S3.start>> | undefined;
beforeAll(async () => {
  if (noS3 === undefined) server = await S3.start();
});
afterAll(() => server?.stop());

function s3(): S3 {
  if (server) return server.s3;
  throw new Error(noS3);
}

const quick = { first: 1, last: 1 };

interface Kind {
  name: string;
  missing?: string | undefined;
  open(): Promise<Blobs>;
}

const kinds: readonly Kind[] = [
  { name: "a folder", open: async () => new FileBlobs(await tempDir()) },
  {
    name: "a bucket",
    missing: noS3,
    open: async () => {
      const { bucket } = s3();
      return new S3Blobs({ ...bucket, prefix: `p${Math.random()}/of tests` });
    },
  },
];

describe.for(kinds)("$name", ({ missing, open }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));
  const key = "images/1a/t1a.png";
  const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 256));

  test("gives back what was put, the last of it, and nothing for what is not there", async () => {
    const blobs = await open();
    await blobs.checkWritable("images");
    expect(await blobs.get(key)).toBeUndefined();
    await blobs.put(key, Buffer.from("old"), "image/png");
    await blobs.put(key, bytes, "image/png", "unflushed");

    expect(await blobs.get(key)).toEqual(bytes);
    expect(await blobs.get("images/1a/t1b.png")).toBeUndefined();
    expect(blobs.place(key)).toMatch(/\/images\/1a\/t1a\.png$/);
  });

  test("removes once, and says what that freed", async () => {
    const blobs = await open();
    await blobs.put(key, bytes, "image/png");

    expect([await blobs.remove(key), await blobs.remove(key)]).toEqual([bytes.length, 0]);
    expect(await blobs.get(key)).toBeUndefined();
  });

  test("what somebody has come to need while it was removed is there again", async () => {
    const blobs = await open();
    await blobs.put(key, bytes, "image/png");
    const found: (Buffer | undefined)[] = [];
    const ask = (isUsed: boolean) => async () => {
      found.push(await blobs.get(key));
      return isUsed;
    };

    expect(await blobs.removeUnless(key, ask(true))).toBe(0);
    expect(await blobs.get(key)).toEqual(bytes);
    expect(await blobs.removeUnless(key, ask(false))).toBe(bytes.length);
    expect(await blobs.get(key)).toBeUndefined();
    expect(await blobs.removeUnless(key, ask(false))).toBe(0);
    expect(found).toEqual([undefined, undefined]);
    expect(await blobs.sweep(Date.now())).toBe(0);
  });
});

describe("a bucket that cannot be used", () => {
  beforeEach((context) => context.skip(noS3 !== undefined, noS3));

  test("is named with the reason, and no key is told", async () => {
    const { bucket } = s3();
    const refusal = (changes: object) =>
      new S3Blobs({ ...bucket, ...changes }, quick).put("images/a", Buffer.from("x"), "image/png");

    await expect(refusal({ secretAccessKey: "wrong" })).rejects.toThrow(
      /^The bucket pictures at http:\S+ cannot be used: it answers 403 \(SignatureDoesNotMatch\)\. See --blobs/,
    );
    await expect(refusal({ name: "nothing" })).rejects.toThrow(/404 \(NoSuchBucket\)/);
    await expect(refusal({ endpoint: "http://127.0.0.1:9" })).rejects.toMatchObject({
      code: "storage",
      message: expect.stringMatching(/cannot be reached/),
    });
    await expect(refusal({ secretAccessKey: "wrong" })).rejects.not.toThrow(/wrong/);
  });
});

test("pictures of a server with a bucket are all there, and fetched by its links where that is asked", async (context) => {
  context.skip(noS3 !== undefined, noS3);
  const { bucket } = s3();
  const emulator = await startEmulator();
  const world = await startApp(emulator.url, { blobs: { bucket } });
  const parameters = { prompt: "a red fox", width: 64, height: 64 };
  const task = await world.deps.studio.submit("generate_image", { parameters });
  const ended = await world.deps.studio.wait(task.id, 30_000);
  const [id] = imageIdsIn(`image ${task.id}-1`);
  const fetchOf = await assembled(world);

  const answer = await fetchOf(new Request(`http://localhost/files/images/${id}`));
  const preview = await fetchOf(new Request(`http://localhost/files/images/${id}/preview`));
  const link = new URL(String(answer.headers.get("location")));
  await s3().trust(10);
  const fetched = await fetch(link);
  await s3().trust(0);

  expect(ended.state).toBe("completed");
  expect(answer.status).toBe(307);
  expect(answer.headers.get("cache-control")).toBe("private, max-age=240");
  expect(link.searchParams.get("response-content-disposition")).toBe(
    `inline; filename="a-red-fox-${id}.png"`,
  );
  expect(Buffer.from(await fetched.arrayBuffer())).toEqual(
    (await world.deps.studio.pictures.original(String(id))).bytes,
  );
  expect([preview.status, preview.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
  expect(
    world.deps.studio.pictures.place((await world.deps.studio.pictures.image(String(id))).record),
  ).toMatch(/^s3:\/\/pictures\/easel\/images\//);
  await world.deps.studio.delete({ ids: [task.id] }, false);
  const listed = await (await s3().ask("GET", "")).text();
  expect(listed).not.toContain(task.id);
});
