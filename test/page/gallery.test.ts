import { expect, onTestFinished, test } from "vitest";
import { HttpClient } from "../../page/src/http-client.ts";
import { Easel } from "../../page/src/model/easel.ts";
import { Gallery } from "../../page/src/model/gallery.ts";
import { StandIn } from "./stand-in.ts";
import { task } from "./tasks.ts";

async function world(prompts: string[] = []) {
  const standIn = new StandIn({ dir: "", stepTime: 1 });
  onTestFinished(() => standIn.close());
  for (const [i, prompt] of prompts.entries()) {
    await standIn.studio.hang(prompt, { width: 64, height: 64, at: new Date(1e12 - i * 1000) });
  }
  const client = new HttpClient({ base: await standIn.start() });
  return { studio: standIn.studio, client, gallery: new Gallery(client) };
}

const prompts = (gallery: Gallery) => gallery.tasks.value.map(({ prompt }) => prompt);

test("reads pages of the list until there are no more", async () => {
  const { gallery } = await world(Array.from({ length: 53 }, (_, i) => `picture ${i}`));

  await gallery.load();
  expect([gallery.tasks.value.length, gallery.complete.value]).toEqual([50, false]);
  await gallery.more();
  expect([gallery.tasks.value.length, gallery.complete.value]).toEqual([53, true]);
  expect(prompts(gallery)[52]).toBe("picture 52");
});

test("an answer to a search that is no longer asked is dropped", async () => {
  const { gallery } = await world(["a fox", "a sea"]);

  gallery.search.value = "fox";
  const first = gallery.load();
  gallery.search.value = "sea";
  await Promise.all([first, gallery.load()]);

  expect(prompts(gallery)).toEqual(["a sea"]);
});

test("events add, change and take away tasks, and what a search does not want stays out of sight", async () => {
  const { gallery } = await world(["a fox"]);
  await gallery.load();
  const fresh = task({ id: "t9", prompt: "a heron", state: "running", images: [] });

  gallery.take({ event: "state", task: fresh });
  expect(prompts(gallery)).toEqual(["a heron", "a fox"]);
  expect(gallery.unfinished.value).toHaveLength(1);
  gallery.search.value = "fox";
  expect(prompts(gallery)).toEqual(["a fox"]);
  gallery.search.value = "";
  gallery.take({ event: "deleted", task_ids: ["t9"] });
  expect(prompts(gallery)).toEqual(["a fox"]);
});

test("progress reaches those who watch it without touching the list", async () => {
  const { gallery } = await world();
  gallery.put(task({ id: "t9", state: "running", images: [] }));
  const before = gallery.tasks.value;

  gallery.take({
    event: "progress",
    task_id: "t9",
    progress: { phase: "running", fraction: 0.5, done: 0, count: 1, message: "" },
  });

  expect(gallery.progressOf("t9").value?.fraction).toBe(0.5);
  expect(gallery.tasks.value).toBe(before);
});

test("an answer that events overtook takes nothing back", async () => {
  const { gallery } = await world();
  const waiting = { phase: "queued", fraction: 0, done: 0, count: 1, message: "Queued" } as const;
  const half = { phase: "running", fraction: 0.5, done: 0, count: 1, message: "Half" } as const;
  const told = { id: "t9", images: [], progress: waiting };
  gallery.take({ event: "state", task: task({ ...told, state: "running" }) });
  gallery.take({ event: "progress", task_id: "t9", progress: half });

  gallery.put(task({ ...told, state: "queued" }));

  expect(gallery.progressOf("t9").value).toEqual(half);
  expect(gallery.unfinished.value.map(({ state }) => state)).toEqual(["running"]);
});

test("after a gap the newest page is read again, and what was deleted meanwhile goes", async () => {
  const { gallery, studio } = await world(["one", "two"]);
  await gallery.load();
  const [one] = gallery.tasks.value;

  studio.delete([one?.id ?? ""]);
  await studio.hang("three", { width: 64, height: 64 });
  await gallery.refresh();

  expect(prompts(gallery)).toEqual(["three", "two"]);
});

test("what an event said is not undone by an answer that it overtook", async () => {
  const { gallery, studio } = await world(["one", "two"]);
  const [one, two] = [...studio.tasks.values()];
  if (!one || !two) throw new Error("The stand-in has no tasks.");

  const reading = gallery.load();
  gallery.take({ event: "state", task: task({ id: "t9", prompt: "new" }) });
  gallery.take({ event: "deleted", task_ids: [two.id] });
  await reading;
  gallery.put({ ...one, state: "queued", images: [] });

  expect(prompts(gallery)).toEqual(["new", "one"]);
  expect(gallery.task(one.id)?.state).toBe("completed");
});

test("a picture is found by its id, on the wall or on record", async () => {
  const { gallery, studio } = await world(["a fox"]);
  const [kept] = [...studio.tasks.values()];
  const id = kept?.images[0]?.id ?? "";

  expect(gallery.lookup(id)).toBeUndefined();
  expect((await gallery.find(id))?.task.prompt).toBe("a fox");
  expect(await gallery.find("u123")).toBeUndefined();
  await expect(gallery.find("t404-1")).rejects.toThrow("There is no task t404.");
});

test("the easel shows the commission before the server answers, then its task", async () => {
  const { client, gallery } = await world();
  const easel = new Easel(client, (one) => gallery.put(one));
  const request = { tool: "generate_image", arguments: { prompt: "a heron" } };

  const asked = easel.paint({ request, title: "a heron", ratio: 1, count: 1 });
  expect(easel.state.value.at).toBe("asking");
  const answered = await asked;

  expect(easel.state.value).toEqual({ at: "task", id: answered?.id, ratio: 1 });
  expect(gallery.task(answered?.id ?? "")?.prompt).toBe("a heron");
});

test("what the server refuses stays on the easel, with its reason", async () => {
  const { gallery } = await world();
  const client = new HttpClient({ base: "http://127.0.0.1:1" });
  const easel = new Easel(client, (one) => gallery.put(one));
  const request = { tool: "generate_image", arguments: { prompt: "a heron" } };

  await easel.paint({ request, title: "a heron", ratio: 1, count: 1 });

  expect(easel.state.value).toMatchObject({ at: "refused", error: { code: "unreachable" } });
});
