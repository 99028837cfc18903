import { expect, test } from "vitest";
import { type Caller, scopesWithImplied } from "../../src/studio/caller.ts";
import { made, startPool, submit, texts } from "./support.ts";

function caller(name: string): Caller {
  return { name, scopes: scopesWithImplied(["generate"]), folders: { roots: [] } };
}

/** One ComfyUI that is held until `release`, with a first picture in it. */
async function heldPool() {
  const world = await startPool(1);
  const hold = world.emulators[0]?.hold("VAEDecode");
  await submit(world.studio, 1, "first");
  await hold?.reached;
  const order = () => world.emulators.flatMap(texts);
  return { ...world, order, release: () => hold?.release() };
}

test("a caller's many do not keep another's one waiting", async () => {
  const { app, emulators, order, release } = await heldPool();
  const [many, one] = [app.studio(caller("many")), app.studio(caller("one"))];
  const crowd = await submit(many, 20, "many");
  const single = await submit(one, 1, "one");
  release();

  expect((await one.wait(single.id, 60_000)).state).toBe("completed");
  expect((await many.wait(crowd.id, 60_000)).state).toBe("completed");
  // One that was in ComfyUI's queue, and one whose turn it was.
  expect(order().indexOf("one")).toBeLessThanOrEqual(3);
  expect(made(emulators)).toBe(22);
});

test("a higher priority goes first among the caller's own, and a lower one last", async () => {
  const { app, order, release } = await heldPool();
  const studio = app.studio(caller("a"));
  await submit(studio, 1, "filler");
  const tasks = [
    await submit(studio, 2, "low", -5),
    await submit(studio, 2, "normal"),
    await submit(studio, 2, "high", 5),
  ];
  release();

  for (const { id } of tasks) await studio.wait(id, 60_000);
  expect(order().slice(2)).toEqual(["high", "high", "normal", "normal", "low", "low"]);
});

test("only who may see everybody's tasks goes before everybody", async () => {
  const { app, studio, order, release } = await heldPool();
  const other = app.studio(caller("other"));
  const tasks = [
    await submit(other, 3, "other"),
    await submit(app.studio(caller("pushy")), 1, "pushy", 100),
    await submit(studio, 2, "owner", 1),
  ];
  release();

  for (const { id } of tasks) await studio.wait(id, 60_000);
  const after = order().filter((text) => text !== "first");
  // The first may have been in ComfyUI's queue already.
  expect(after.slice(after[0] === "other" ? 1 : 0).slice(0, 2)).toEqual(["owner", "owner"]);
  expect(after.indexOf("pushy")).toBeGreaterThan(after.indexOf("other"));
});

test("a priority that is none is refused", async () => {
  const { studio } = await startPool(1);

  await expect(submit(studio, 1, "p", 101)).rejects.toThrow(/priority: 101 .* -100 to 100/);
  await expect(submit(studio, 1, "p", 0.5)).rejects.toThrow(/priority: 0\.5/);
});

test("beyond the most that may wait, calls are refused and leave nothing behind", async () => {
  const { studio, emulators } = await startPool(1, { mostWaiting: 4 });
  const hold = emulators[0]?.hold("VAEDecode");
  const first = await submit(studio);
  await hold?.reached;
  await expect.poll(async () => (await studio.get(first.id)).state).toBe("running");
  const waiting = await submit(studio, 4);

  await expect(submit(studio)).rejects.toMatchObject({
    code: "too_many",
    message: expect.stringMatching(/^4 pictures wait here already, and at most 4 may/),
  });
  hold?.release();

  expect((await studio.wait(waiting.id, 60_000)).state).toBe("completed");
  expect(await studio.count({})).toBe(2);
  expect((await studio.wait((await submit(studio)).id, 60_000)).state).toBe("completed");
});

test("of many calls at once no more get in than may wait", async () => {
  const { studio, emulators } = await startPool(1, { mostWaiting: 3 });
  const hold = emulators[0]?.hold("VAEDecode");
  const answers = await Promise.allSettled(Array.from({ length: 12 }, () => submit(studio)));
  hold?.release();

  expect(answers.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(5);
});
