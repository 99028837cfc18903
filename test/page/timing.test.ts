import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Announcer } from "../../page/src/model/announcer.ts";
import { Deletions } from "../../page/src/model/deletions.ts";
import { Draft } from "../../page/src/model/draft.ts";
import { Storage, type StorageArea } from "../../page/src/model/storage.ts";
import { Telling, tabTitle } from "../../page/src/model/telling.ts";
import { task } from "./tasks.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("at most one sentence in five seconds is said, and of those that wait the newest", () => {
  const announcer = new Announcer(() => Date.now());

  announcer.say("Started.");
  announcer.say("Painting, half done.");
  announcer.say("1 picture is ready.");
  expect(announcer.said.value).toBe("Started.");
  vi.advanceTimersByTime(4_999);
  expect(announcer.said.value).toBe("Started.");
  vi.advanceTimersByTime(1);
  expect(announcer.said.value).toBe("1 picture is ready.");
});

test("only what this page asked for is told, once at its half and once at its end", () => {
  const said: string[] = [];
  const telling = new Telling((sentence) => said.push(sentence));
  const mine = task({ state: "running", count: 2 });
  const half = { phase: "running", fraction: 0.6, done: 1, count: 2, message: "" } as const;

  telling.progress(mine, half);
  telling.progress(mine, half);
  telling.progress(task({ via: "mcp", state: "running" }), half);
  telling.state(task({ count: 2 }), mine);
  telling.state(task({ count: 2 }), task({ count: 2 }));
  telling.state(task({ via: "mcp" }), undefined);

  expect(said).toEqual(["Painting, half done.", "2 pictures are ready."]);
});

test("the tab says how far the picture is, and nothing once it is done", () => {
  const progress = { phase: "running", fraction: 0.46, done: 0, count: 1, message: "" } as const;

  expect(tabTitle(task({ state: "running" }), progress)).toBe("46 % a fox");
  expect(tabTitle(task(), undefined)).toBe("comfy-easel");
});

function deletions() {
  const log: string[] = [];
  const write = (verb: string) => (ids: readonly string[]) => {
    log.push(`${verb} ${ids.join(" ")}`);
  };
  const remove = async (ids: readonly string[]) => write("remove")(ids);
  return { log, it: new Deletions({ hide: write("hide"), show: write("show"), remove }) };
}

test("a deletion is sent when its eight seconds to undo are over", () => {
  const { log, it } = deletions();

  it.add(["a"], 1);
  vi.advanceTimersByTime(7_999);
  expect(log).toEqual(["hide a"]);
  vi.advanceTimersByTime(1);
  expect(log).toEqual(["hide a", "remove a"]);
  expect(it.pending.value).toBeUndefined();
});

test("what was undone is never sent, and a second deletion sends the first", () => {
  const { log, it } = deletions();

  it.add(["a"], 1);
  it.undo();
  it.add(["b"], 1);
  it.add(["c"], 2);
  vi.advanceTimersByTime(20_000);

  expect(log).toEqual(["hide a", "show a", "hide b", "remove b", "hide c", "remove c"]);
});

function area(): StorageArea {
  const kept = new Map<string, string>();
  return {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  };
}

test("words and settings are there again after a reload, values of the server's choice are not kept", () => {
  const shared = area();
  const draft = new Draft(new Storage(() => shared));
  draft.prompt.value = "a fox";
  draft.set("generate_image", { count: 4, seed: 7 });
  draft.set("generate_image", { seed: undefined });
  draft.close();

  const after = new Draft(new Storage(() => shared));

  expect(after.prompt.value).toBe("a fox");
  expect(after.settings("generate_image")).toEqual({ count: 4 });
  expect(after.settings("img2img")).toEqual({});
  after.close();
});

test("a browser that keeps nothing, or kept nonsense, is no fault", () => {
  const blocked = new Storage(() => {
    throw new Error("SecurityError");
  });
  const odd = area();
  odd.setItem("easel.draft", "[1");

  expect(new Draft(blocked).prompt.value).toBe("");
  expect(new Draft(new Storage(() => odd)).prompt.value).toBe("");
});
