import { expect, test } from "vitest";
import { expectPicture, graphOf, impatientBackend, posts, quick, start } from "../support/comfy.ts";
import { startBackend, startEmulator } from "../support/world.ts";

test("a restart that loses the queue is told from a removal by hand", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("ImageScale");
  const backend = impatientBackend(emulator.url);
  const first = start(backend, graphOf(1));
  await hold.reached;
  const second = start(backend, graphOf(2));
  await expect.poll(() => posts(emulator)).toBe(2);

  await backend.client.deleteFromQueue(second.promptId);
  expect(await second.outcome).toEqual({ kind: "gone", removed: true });

  await emulator.restart();
  expect(await first.outcome).toEqual({ kind: "gone", removed: false });
});

test("a run waits while ComfyUI is away and goes on when it is back", async () => {
  const emulator = await startEmulator();
  const backend = impatientBackend(emulator.url);
  await backend.ready();
  await emulator.stop();
  const { outcome, statuses } = start(backend, graphOf(1));
  await expect.poll(() => statuses.some(({ phase }) => phase === "waiting")).toBe(true);

  await emulator.restart();

  expectPicture(await outcome);
});

test("a run that is not known yet is given up when ComfyUI stays away", async () => {
  const emulator = await startEmulator();
  const backend = impatientBackend(emulator.url, {
    patience: { ...quick.patience, lostAfterMs: 300 },
  });
  await emulator.stop();

  await expect(start(backend, graphOf(1), { resume: true }).outcome).rejects.toThrow(
    /Given up: ComfyUI has been away/,
  );
});

test("a prompt that an earlier process posted is followed, not posted again", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("ImageScale");
  const earlier = startBackend(emulator.url);
  const { promptId } = start(earlier, graphOf(1));
  await hold.reached;
  await earlier.close();

  const { outcome } = start(impatientBackend(emulator.url), graphOf(1), { resume: true, promptId });
  hold.release();

  expectPicture(await outcome);
  expect(posts(emulator)).toBe(1);
});

test("a worker that takes nothing is named as stalled", async () => {
  const emulator = await startEmulator();
  emulator.faults.neverStart = true;
  const { statuses } = start(impatientBackend(emulator.url), graphOf(1));

  await expect
    .poll(() => statuses.some((status) => status.phase === "queued" && status.stalled), {
      timeout: 5_000,
    })
    .toBe(true);
});

test("the place in the queue is told", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("ImageScale");
  const backend = startBackend(emulator.url);
  start(backend, graphOf(1));
  await hold.reached;
  start(backend, graphOf(2));
  const third = start(backend, graphOf(3));

  await expect
    .poll(() => third.statuses.at(-1), { timeout: 5_000 })
    .toEqual({ phase: "queued", ahead: 2, stalled: false });
  hold.release();
  expectPicture(await third.outcome);
});
