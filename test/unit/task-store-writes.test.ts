import { expect, test } from "vitest";
import { Writes } from "../../src/tasks/store/writes.ts";

/** What went together, and a way to let one write end. */
function desk(answer: (keys: string[]) => string[] = (keys) => keys) {
  const written: string[][] = [];
  const ends: (() => void)[] = [];
  const writes = new Writes<{ key: string }, string>(async (items) => {
    const keys = items.map(({ key }) => key);
    written.push(keys);
    await new Promise<void>((resolve) => ends.push(resolve));
    return answer(keys);
  });
  const end = async () => {
    await expect.poll(() => ends.length).toBeGreaterThan(0);
    ends.shift()?.();
  };
  return { writes, written, end };
}

test("what comes while a write is on its way goes together in the next", async () => {
  const { writes, written, end } = desk();
  const first = writes.put({ key: "a" });
  await expect.poll(() => written.length).toBe(1);
  const rest = ["b", "c", "d"].map((key) => writes.put({ key }));

  await end();
  await end();

  expect(await Promise.all([first, ...rest])).toEqual(["a", "b", "c", "d"]);
  expect(written).toEqual([["a"], ["b", "c", "d"]]);
});

test("one record twice is written twice, in its order", async () => {
  const { writes, written, end } = desk();
  const all = ["a", "b", "a", "c"].map((key) => writes.put({ key }));

  await end();
  await end();
  await Promise.all(all);

  expect(written).toEqual([
    ["a", "b"],
    ["a", "c"],
  ]);
});

test("a write that fails fails for all that went with it, and for none after", async () => {
  const { writes, end } = desk((keys) => {
    if (keys.includes("bad")) throw new Error("disk full");
    return keys;
  });
  const together = ["good", "bad"].map((key) => writes.put({ key }));
  const ended = Promise.allSettled(together);
  await end();
  expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected"]);

  const later = writes.put({ key: "later" });
  await end();
  expect(await later).toBe("later");
});

test("no write grows past what a statement takes", async () => {
  const { writes, written, end } = desk();
  const all = Array.from({ length: 450 }, (_, at) => writes.put({ key: String(at) }));
  for (let i = 0; i < 3; i += 1) await end();
  await Promise.all(all);

  expect(written.map((keys) => keys.length)).toEqual([200, 200, 50]);
});
