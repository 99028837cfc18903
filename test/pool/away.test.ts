import sharp from "sharp";
import { expect, test } from "vitest";
import { made, sent, startPool, submit } from "./support.ts";

test("what only waited on one that died is placed anew, what ran there waits for it, and all is made once", async () => {
  const { studio, emulators } = await startPool(2, { replaceAfterSeconds: 0 });
  const [dying, other] = emulators;
  const holds = emulators.map((emulator) => emulator.hold("VAEDecode"));
  const task = await submit(studio, 6);
  await Promise.all(holds.map(({ reached }) => reached));

  await dying?.stop();
  holds[1]?.release();

  // All but the one that ran there.
  await expect
    .poll(async () => (await studio.get(task.id)).runs.filter(({ images }) => images.length > 0))
    .toHaveLength(5);
  expect(other?.outputFiles()).toHaveLength(5);
  holds[0]?.release();
  await dying?.restart();

  const ended = await studio.wait(task.id, 60_000);
  expect(ended.state).toBe("completed");
  expect(made(emulators)).toBe(6);
});

test("one that comes back takes part again", async () => {
  const { studio, emulators } = await startPool(2);
  await emulators[0]?.stop();
  const first = await submit(studio, 2);
  expect((await studio.wait(first.id, 60_000)).state).toBe("completed");
  expect(sent(emulators)).toEqual([0, 2]);

  await emulators[0]?.restart();
  const hold = emulators[1]?.hold("VAEDecode");
  const second = await submit(studio, 3);
  await expect.poll(() => sent(emulators)[0]).toBeGreaterThan(0);
  hold?.release();

  expect((await studio.wait(second.id, 60_000)).state).toBe("completed");
  expect(made(emulators)).toBe(5);
});

test("while none answers everything waits, and says so", async () => {
  const { studio, emulators } = await startPool(2);
  const hold = emulators.map((emulator) => emulator.hold("VAEDecode"));
  const task = await submit(studio, 8);
  await Promise.all(hold.map(({ reached }) => reached));
  await Promise.all(emulators.map((emulator) => emulator.stop()));

  await expect.poll(() => studio.progress(task.id)?.status.phase).toBe("waiting");
  for (const each of hold) each.release();
  await Promise.all(emulators.map((emulator) => emulator.restart()));

  expect((await studio.wait(task.id, 60_000)).state).toBe("completed");
  expect(made(emulators)).toBe(8);
});

test("one that takes no inputs is asked again where it is, and its runs do not wander", async () => {
  const { studio, emulators } = await startPool(1);
  const [emulator] = emulators;
  emulator?.faults.failRequests.push({ path: "/upload/image", times: 3, status: 500 });
  const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const image = `data:image/png;base64,${png.toString("base64")}`;
  const task = await studio.submit("img2img", { parameters: { prompt: "p", image, steps: 1 } });
  const [before] = task.runs;

  const ended = await studio.wait(task.id, 60_000);

  expect(ended.state).toBe("completed");
  expect(ended.runs.map(({ promptId }) => promptId)).toEqual([before?.promptId]);
  expect(emulator?.faults.failRequests[0]?.times).toBe(0);
});
