import { expect, test } from "vitest";
import { startEmulator } from "../support/world.ts";
import { Events, made, type Rest, startRest, taskIn } from "./rest-support.ts";

async function slowRest(stepMs = 15): Promise<Rest> {
  const emulator = await startEmulator({ timing: { stepMs } });
  return startRest(emulator.url, { beatMs: 30 });
}

async function ask(rest: Rest, args: Record<string, unknown>): Promise<string> {
  const body = { tool: "generate_image", arguments: args };
  return (await taskIn(await rest.post("/api/v1/tasks", body))).id;
}

test("one task's stream begins with its state, tells how far it is, and ends with it", async () => {
  const rest = await slowRest();
  const id = await ask(rest, { prompt: "a fox", count: 2, steps: 20 });

  const answer = await rest.get(`/api/v1/tasks/${id}/events`);
  const messages = await new Events(answer).all();

  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(messages[0]).toMatchObject({ event: "state", id: expect.stringMatching(/^\d+$/) });
  const progress = messages.filter(({ event }) => event === "progress");
  expect(progress.length).toBeGreaterThan(0);
  for (const { data, id: eventId } of progress) {
    expect(data).toMatchObject({ task_id: id, progress: { count: 2 } });
    expect(eventId).toBeUndefined();
  }
  expect(messages.at(-1)).toMatchObject({
    event: "state",
    data: { task: { id, state: "completed", images: [{}, {}] } },
  });
});

test("a stream of an ended task is its state, then the end", async () => {
  const rest = await slowRest(0);
  const { id } = await made(rest, { prompt: "a fox" });

  const messages = await new Events(await rest.get(`/api/v1/tasks/${id}/events`)).all();

  expect(messages).toMatchObject([{ event: "state", data: { task: { id, state: "completed" } } }]);
});

test("previews are told by number and fetched by address, and are gone with the task", async () => {
  const rest = await slowRest(40);
  const events = new Events(await rest.get("/api/v1/events"));
  await events.next();
  const id = await ask(rest, { prompt: "a fox", steps: 30 });

  const told = await events.until("preview");
  const picture = await rest.get(`/api/v1/tasks/${id}/preview?frame=1`);

  expect(told.data).toMatchObject({ task_id: id, frame: expect.any(Number), picture: 1 });
  expect(told.id).toBeUndefined();
  expect(picture.status).toBe(200);
  expect(picture.headers.get("content-type")).toMatch(/^image\/(jpeg|png)$/);
  expect(picture.headers.get("cache-control")).toBe("no-store");
  await rest.request(`/api/v1/tasks/${id}`, { method: "DELETE" });
  await events.until("deleted", (data: { task_ids: string[] }) => data.task_ids[0] === id);
  expect((await rest.get(`/api/v1/tasks/${id}/preview`)).status).toBe(404);
  await events.close();
});

test("who comes later is told how far each unfinished task is", async () => {
  const rest = await slowRest(40);
  const id = await ask(rest, { prompt: "a fox", steps: 30 });

  const events = new Events(await rest.get("/api/v1/events"));
  const progress = await events.until("progress");

  expect(progress.data).toMatchObject({ task_id: id });
  await events.close();
});

test("a client that goes stops its stream and not its task", async () => {
  const rest = await slowRest();
  const id = await ask(rest, { prompt: "a fox", steps: 20 });
  const events = new Events(await rest.get(`/api/v1/tasks/${id}/events`));
  await events.until("state");

  await events.close();

  const messages = await new Events(await rest.get(`/api/v1/tasks/${id}/events`)).all();
  expect(messages.at(-1)).toMatchObject({ data: { task: { state: "completed" } } });
});

test("with Last-Event-ID what was missed comes first: states, then deletions", async () => {
  const rest = await slowRest(0);
  const before = new Events(await rest.get("/api/v1/events"));
  await before.next();
  const gone = await made(rest, { prompt: "gone" });
  const last = await before.until(
    "state",
    ({ task }: { task: { state: string } }) => task.state === "completed",
  );
  await before.close();
  const missed = await made(rest, { prompt: "missed" });
  await rest.request(`/api/v1/tasks/${gone.id}`, { method: "DELETE" });

  const after = new Events(await rest.get("/api/v1/events", { "last-event-id": String(last.id) }));

  await after.until(
    "state",
    ({ task }: { task: { id: string; state: string } }) =>
      task.id === missed.id && task.state === "completed",
  );
  await after.until("deleted", (data: { task_ids: string[] }) => data.task_ids[0] === gone.id);
  await after.close();
});

test.each([["1"], ["1700000000000"], ["999999999999999"], ["not-an-id"]])(
  "Last-Event-ID %s is answered by a reset",
  async (id) => {
    const rest = await slowRest(0);

    const events = new Events(await rest.get("/api/v1/events", { "last-event-id": id }));

    const { data } = await events.until("reset");
    expect(data).toEqual({});
    await events.close();
  },
);

test("a silent stream has comments, and other callers' tasks are not in it", async () => {
  const rest = await slowRest(0);
  const events = new Events(await rest.request("/api/v1/events", {}, "ben"));
  await events.next();
  await made(rest, { prompt: "not Ben's" });

  const comments = [await events.next(), await events.next(), await events.next()];

  expect(comments).toEqual([{ comment: "alive" }, { comment: "alive" }, { comment: "alive" }]);
  await events.close();
});

test("that a ComfyUI paints, and that it has gone, is told to whoever reads", async () => {
  const emulator = await startEmulator({ timing: { stepMs: 100 } });
  const rest = await startRest(emulator.url, { backendsMs: 20 });
  await rest.get("/api/v1/backends");
  const events = new Events(await rest.get("/api/v1/events"));
  interface Told {
    backends: { state: string; problem: string | null }[];
  }
  const id = await ask(rest, { prompt: "a fox", steps: 30 });

  await events.until("backends", ({ backends }: Told) => backends[0]?.state === "painting");
  await rest.request(`/api/v1/tasks/${id}/cancel`, { method: "POST" });
  await events.until("backends", ({ backends }: Told) => backends[0]?.state === "ready");
  await emulator.close();
  const told = await events.until("backends");

  expect(told.data).toMatchObject({
    backends: [{ state: "away", problem: expect.stringContaining("127.0.0.1") }],
  });
  await events.close();
});

test("once nobody reads, ComfyUI's frames are not asked for", async () => {
  const emulator = await startEmulator({ timing: { stepMs: 5 } });
  const rest = await startRest(emulator.url);
  const hold = emulator.hold("VAEDecode");
  const events = new Events(await rest.get("/api/v1/events"));
  await events.next();
  await events.close();

  const id = await ask(rest, { prompt: "a fox", steps: 20 });
  await hold.reached;

  expect((await rest.get(`/api/v1/tasks/${id}/preview`)).status).toBe(204);
  hold.release();
});
