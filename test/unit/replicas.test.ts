import { beforeEach, describe, expect, test } from "vitest";
import type { ToldEvent } from "../../src/tasks/events.ts";
import { noPostgres } from "../support/postgres.ts";
import { freshDatabase } from "../support/stores.ts";
import { openApp, startApp, startEmulator, tempDir } from "../support/world.ts";

beforeEach((context) => context.skip(noPostgres !== undefined, noPostgres));

/** Two servers that share a database and a ComfyUI and no folder. */
async function replicas() {
  const emulator = await startEmulator();
  const databaseUrl = await freshDatabase();
  const one = await startApp(emulator.url, { databaseUrl });
  const two = await startApp(emulator.url, { databaseUrl });
  const make = async () => {
    const parameters = { prompt: "p", width: 64, height: 64, steps: 3 };
    return (await one.deps.studio.submit("generate_image", { parameters })).id;
  };
  return { emulator, two: two.deps.studio, make, databaseUrl };
}

describe("a task of another server", () => {
  test("is told with its progress and previews while it is made, and its end", async () => {
    const { emulator, two, make } = await replicas();
    const stop = new AbortController();
    const first = emulator.hold("VAEDecode");
    const events: ToldEvent[] = [];
    const reading = (async () => {
      const options = { previews: true, everyMs: 0, signal: stop.signal };
      for await (const event of two.allEvents(options)) events.push(event);
    })();
    const kindsOf = (task: string) => events.flatMap(({ id, kind }) => (id === task ? [kind] : []));
    const before = await make();
    // From here on the other server knows that it is looked at.
    await expect.poll(() => kindsOf(before)).toContain("progress");
    first.release();
    await two.wait(before, 30_000);
    const hold = emulator.hold("VAEDecode");
    const id = await make();
    await hold.reached;

    await expect.poll(() => kindsOf(id)).toContain("preview");
    expect((await two.pictures.livePreview(id))?.mimeType).toBe("image/jpeg");
    hold.release();
    expect(await two.wait(id, 30_000)).toMatchObject({ state: "completed" });
    stop.abort();
    await reading;
  });

  test("is answered for with its progress to whoever asks once", async () => {
    const { emulator, two, make } = await replicas();
    const hold = emulator.hold("VAEDecode");
    const id = await make();
    await hold.reached;

    await expect.poll(async () => two.progress((await two.get(id)).id)).toMatchObject({ count: 1 });
    hold.release();
  });

  test("is cancelled at once through any server", async () => {
    const { emulator, two, make } = await replicas();
    const hold = emulator.hold("VAEDecode");
    const id = await make();
    await hold.reached;

    expect((await two.cancel(id)).task.state).toBe("cancelled");
  });
});

test("what a server leaves undone is taken up by another on another machine", async () => {
  const { emulator, two, databaseUrl } = await replicas();
  const leaving = await openApp(emulator.url, await tempDir(), { databaseUrl });
  const hold = emulator.hold("VAEDecode");
  const { id } = await leaving.deps.studio.submit("generate_image", {
    parameters: { prompt: "p", width: 64, height: 64 },
  });
  await hold.reached;
  await leaving.app.close();
  hold.release();

  expect(await two.wait(id, 30_000)).toMatchObject({ state: "completed" });
});
