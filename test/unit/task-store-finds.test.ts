import { beforeEach, describe, expect, test } from "vitest";
import type { TaskFilter } from "../../src/tasks/store/store.ts";
import type { InputRecord, Task } from "../../src/tasks/task.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { sharedKinds, storeKinds } from "../support/stores.ts";

const hash = "a".repeat(64);
const picture: InputRecord = {
  sha256: hash,
  mimeType: "image/png",
  width: 8,
  height: 8,
  origin: "upload",
};

function withSeeds(...seeds: number[]): Pick<Task, "runs"> {
  return {
    runs: seeds.map((seed) => ({ promptId: `p${seed}`, seed, state: "queued", images: [] })),
  };
}

describe.for(storeKinds)("$name", ({ fresh, missing }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));
  const open = async () => (await fresh())();

  test("tasks are found by a part of the prompt, by any seed, and by id", async () => {
    const store = await open();
    const fox = record({ params: { prompt: "Ein \"FUCHS\" über 100% Schnee \\ 'x'" } });
    const owl = record({ params: { prompt: "ÜBERALL Eulen, seed 41" }, ...withSeeds(40, 42) });
    const none = record({ tool: "upscale", ...withSeeds(420) });
    for (const task of [fox, owl, none]) await store.insert(task, emptyRecipe);
    const found = async (text: string, more: TaskFilter = {}) =>
      (await store.list({ ...more, text }, 10)).tasks.map(({ id }) => id).sort();

    expect(await found("fuchs")).toEqual([fox.id]);
    expect(await found("Über")).toEqual([fox.id, owl.id].sort());
    expect(await found("über", { tool: "upscale" })).toEqual([]);
    expect(await found("100%")).toEqual([fox.id]);
    expect(await found("1_0%")).toEqual([]);
    expect(await found("\\ 'x'")).toEqual([fox.id]);
    expect(await found("42")).toEqual([owl.id]);
    expect(await found("41")).toEqual([owl.id]);
    expect(await found("420")).toEqual([none.id]);
    expect(await found(none.id)).toEqual([none.id]);
    expect(await found(`${owl.id}-2`)).toEqual([owl.id]);
    expect(await store.count({ text: "fuchs" })).toBe(1);
  });

  test("tasks are found by the face they came through", async () => {
    const store = await open();
    const [mcp, page, old] = [record({ via: "mcp" }), record({ via: "page" }), record()];
    for (const task of [mcp, page, old]) await store.insert(task, emptyRecipe);
    const found = async (via: string[]) =>
      (await store.list({ via }, 10)).tasks.map(({ id }) => id).sort();

    expect(await found(["mcp"])).toEqual([mcp.id]);
    expect(await found(["mcp", "page"])).toEqual([mcp.id, page.id].sort());
    expect(await found([])).toEqual([]);
  });

  test("an upload is its caller's, keeps the file, and expires; again it is new", async () => {
    const store = await open();
    await store.keepUpload("anna", hash);
    await store.keepUpload("anna", hash);

    expect(await store.hasInput(hash, "anna")).toBe(true);
    expect(await store.hasInput(hash, "ben")).toBe(false);
    expect(await store.hasInput(hash)).toBe(true);
    expect(await store.otherUsers(hash, "t0")).toBe(1);
    expect(await store.abandonedInputs(-60_000)).toEqual([]);
    expect(await store.expiredUploads(60_000)).toEqual([]);
    expect(await store.expiredUploads(-60_000)).toEqual([hash]);
    expect(await store.hasInput(hash)).toBe(false);
  });

  test("the input of a task is its caller's for as long as the task is there", async () => {
    const store = await open();
    const task = record({ caller: "anna", inputs: { image: picture } });
    await store.insert(task, emptyRecipe);

    expect(await store.hasInput(hash, "anna")).toBe(true);
    expect(await store.hasInput(hash, "ben")).toBe(false);
    expect(await store.expiredUploads(-60_000)).toEqual([]);
    await store.conceal(task.id);
    expect(await store.hasInput(hash, "anna")).toBe(false);
  });
});

describe.for(storeKinds)("names and messages on $name", ({ fresh, missing }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));
  const open = async () => (await fresh())();

  test("a name is its first taker's, is found by its start and its end, and goes with its task", async () => {
    const { names } = await open();
    const name = { caller: "anna", kind: "output" as const, ref: "p1", task: "t1" };
    expect(await names.take({ ...name, name: "easel/fox_1.png" })).toBeUndefined();
    expect(await names.take({ ...name, name: "easel/fox_1.png", ref: "p2" })).toBe("p1");
    await names.set({ ...name, name: "fox.png", ref: "p3", task: undefined });

    expect(await names.find("ben", "output", "fox.png")).toBeUndefined();
    expect(await names.list("anna", "output", 9, "easel/")).toMatchObject([
      { name: "easel/fox_1.png", ref: "p1" },
    ]);
    expect(await names.ending("anna", "output", "_1.png")).toMatchObject({ ref: "p1" });
    expect(
      await names.ending("anna", "output", "far too long to be the end of any"),
    ).toBeUndefined();
    await names.dropOf("t1");
    expect(await names.list("anna", "output", 9)).toMatchObject([{ name: "fox.png", ref: "p3" }]);
    await names.expire(-60_000);
    expect(await names.list("anna", "output", 9)).toEqual([]);
  });

  test("a caller's numbers count on by themselves, none is given twice, and nothing takes them back", async () => {
    const { names } = await open();

    const given = await Promise.all([1, 2, 3].map(() => names.next("anna")));
    expect(given.sort()).toEqual([1, 2, 3]);
    expect(await names.next("ben")).toBe(1);
    await names.expire(-60_000);
    expect(await names.next("anna")).toBe(4);
  });

  test("a message is one taker's until its lease ends, and comes again when it is due", async () => {
    const { outbox } = await open();
    const message = {
      id: "m1",
      taskId: "t1",
      webhook: { url: "https://example.com" },
      body: "{}",
      attempts: 0,
    };
    await outbox.add(message);

    const taken = await Promise.all([1, 2, 3].map(() => outbox.take(60_000, 10, true)));
    expect(taken.flat()).toEqual([message]);
    await outbox.retry({ ...message, attempts: 1 }, -1_000);
    expect(await outbox.take(60_000, 10, true)).toMatchObject([{ attempts: 1 }]);
    await outbox.drop("m1");
    expect(await outbox.take(-60_000, 10, true)).toEqual([]);
  });
});

describe.for(sharedKinds)("$name", ({ fresh, missing }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));

  test("changes since a mark that is too old, or to come, are not whole", async () => {
    const store = await (await fresh())();
    const { mark } = await store.changes();

    expect(await store.changes(mark)).toMatchObject({ isWhole: true });
    expect(await store.changes(mark - 6 * 60_000)).toMatchObject({ isWhole: false });
    expect(await store.changes(mark + 60_000)).toMatchObject({ isWhole: false });
  });
});
