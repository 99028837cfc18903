import { expect, test } from "vitest";
import { wordProgress } from "../../src/tasks/progress-words.ts";
import { made, sent, startPool, submit, texts } from "./support.ts";

test("a batch spreads, and each picture is made once", async () => {
  const { studio, emulators } = await startPool(3);

  const task = await submit(studio, 12);
  const ended = await studio.wait(task.id, 60_000);

  expect(ended.state).toBe("completed");
  expect(made(emulators)).toBe(12);
  for (const count of sent(emulators)) expect(count).toBeGreaterThan(0);
  expect(new Set(ended.runs.map(({ at }) => at?.backend)).size).toBe(3);
});

test("a ComfyUI has no more than it runs and one, and the rest says how many go before", async () => {
  const { studio, emulators } = await startPool(1);
  const [emulator] = emulators;
  const hold = emulator?.hold("VAEDecode");
  const first = await submit(studio, 1);
  await hold?.reached;
  const rest = await submit(studio, 4);

  await expect
    .poll(() => {
      const progress = studio.progress(rest.id);
      return progress && wordProgress(progress);
    })
    .toBe("Queued, 1 ahead, image 1/4");
  expect(sent(emulators)[0]).toBeLessThanOrEqual(2);
  hold?.release();
  for (const { id } of [first, rest]) {
    expect((await studio.wait(id, 60_000)).state).toBe("completed");
  }
  expect(made(emulators)).toBe(5);
});

test("with hand-over all, everything waits in ComfyUI's own queue", async () => {
  const { studio, emulators } = await startPool(1, { handOver: "all" });
  const hold = emulators[0]?.hold("VAEDecode");
  const { id } = await submit(studio, 5);
  await hold?.reached;

  await expect.poll(() => sent(emulators)).toEqual([5]);
  hold?.release();
  expect((await studio.wait(id, 60_000)).state).toBe("completed");
});

test("what waits here is cancelled here, and the rest goes on", async () => {
  const { studio, emulators } = await startPool(1);
  const hold = emulators[0]?.hold("VAEDecode");
  const first = await submit(studio);
  await hold?.reached;
  const [unwanted, next] = [await submit(studio, 3, "no"), await submit(studio, 1, "yes")];

  const { task, runs } = await studio.cancel(unwanted.id);
  expect(task.state).toBe("cancelled");
  // One may be in ComfyUI's queue already.
  expect((runs.not_started ?? 0) + (runs.removed_from_queue ?? 0)).toBe(3);
  expect(runs.not_started).toBeGreaterThanOrEqual(2);
  hold?.release();

  for (const { id } of [first, next]) {
    expect((await studio.wait(id, 60_000)).state).toBe("completed");
  }
  expect(made(emulators)).toBe(2);
  expect(emulators.flatMap(texts).at(-1)).toBe("yes");
});
