import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { QueueItem } from "../../src/comfy/protocol.ts";
import {
  type Comfy,
  type Listener,
  longGraph,
  slowNodes,
  startComfy,
  tinyGraph,
} from "./support.ts";
import { before, isSince, since } from "./versions.ts";

/** Something long is running, so that what follows stays pending. */
async function busy(): Promise<{ comfy: Comfy; listener: Listener; running: string }> {
  const comfy = await startComfy(slowNodes);
  const listener = await comfy.connect();
  const running = randomUUID();
  await comfy.submit(longGraph(), { client_id: listener.clientId, prompt_id: running });
  await listener.executing(running, "2");
  return { comfy, listener, running };
}

async function stop(comfy: Comfy, listener: Listener, running: string): Promise<void> {
  await comfy.post("/interrupt", { prompt_id: running });
  await listener.end(running);
}

async function pendingItem(comfy: Comfy, promptId: string): Promise<QueueItem | undefined> {
  const { queue_pending } = await comfy.json("/queue");
  return queue_pending.find(([, id]: QueueItem) => id === promptId);
}

test("an accepted prompt is answered with its id, its number and no errors", async () => {
  const comfy = await startComfy();
  const prompt_id = randomUUID();

  const { status, body } = await comfy.submit(tinyGraph(), { prompt_id });

  expect(status).toBe(200);
  expect(body).toEqual({ prompt_id, number: expect.any(Number), node_errors: {} });
});

test("without an id of its own a prompt gets one", async () => {
  const comfy = await startComfy();

  const { body } = await comfy.submit(tinyGraph());

  expect(body.prompt_id).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

since("0.25.0")("an id of null is none", async () => {
  const comfy = await startComfy();

  const { body } = await comfy.submit(tinyGraph(), { prompt_id: null });

  expect(body.prompt_id).toMatch(/^[0-9a-f]{8}-/);
});

before("0.25.0")("an id may be anything and becomes text as Python writes it", async () => {
  const comfy = await startComfy();
  const id = async (prompt_id: unknown) =>
    (await comfy.submit(tinyGraph(), { prompt_id })).body.prompt_id;

  expect(await id(null)).toBe("None");
  expect(await id(true)).toBe("True");
  expect(await id({ a: 1 })).toBe("{'a': 1}");
});

test("the number counts requests, refused ones too", async () => {
  const comfy = await startComfy();

  const first = await comfy.submit(tinyGraph());
  await comfy.submit({});
  const second = await comfy.submit(tinyGraph());

  expect(second.body.number).toBeGreaterThanOrEqual(first.body.number + 2);
});

test("a number given is taken as it is, also as text; one that is none is a failure", async () => {
  const comfy = await startComfy();

  expect((await comfy.submit(tinyGraph(), { number: "3" })).body.number).toBe(3);
  expect((await comfy.submit(tinyGraph(), { number: -1.5 })).body.number).toBe(-1.5);
  expect((await comfy.post("/prompt", { prompt: tinyGraph(), number: "x" })).status).toBe(500);
});

test("a prompt for the front has a negative number", async () => {
  const comfy = await startComfy();
  await comfy.submit(tinyGraph());

  const { body } = await comfy.submit(tinyGraph(), { front: true });

  expect(body.number).toBeLessThan(0);
});

test("the queue shows what runs and what waits as five-part items", async () => {
  const { comfy, listener, running } = await busy();
  const waiting = randomUUID();
  const graph = tinyGraph();
  const extra_data = { note: "kept", api_key_comfy_org: "secret" };
  await comfy.submit(graph, { prompt_id: waiting, client_id: "someone", extra_data });

  const { queue_running } = await comfy.json("/queue");
  const item = await pendingItem(comfy, waiting);
  const { exec_info } = await comfy.json("/prompt");
  await comfy.post("/queue", { delete: [waiting] });
  await stop(comfy, listener, running);

  expect(queue_running).toHaveLength(1);
  expect(queue_running[0][1]).toBe(running);
  expect(item).toHaveLength(5);
  const [number, id, prompt, extra, outputs] = item ?? [];
  expect([typeof number, id, outputs]).toEqual(["number", waiting, ["2"]]);
  expect(prompt).toEqual(graph);
  expect(extra).toEqual({
    note: "kept",
    client_id: "someone",
    // The keys of partner services were shown before.
    ...(isSince("0.3.68") ? {} : { api_key_comfy_org: "secret" }),
    ...(isSince("0.3.69") ? { create_time: expect.any(Number) } : {}),
  });
  expect(exec_info.queue_remaining).toBeGreaterThanOrEqual(2);
});

test("pending prompts are shown in heap order", async () => {
  const { comfy, listener, running } = await busy();
  const base = 1_000_000;
  const ids: string[] = [];
  for (const number of [base + 5, base + 9, base - 3]) {
    const prompt_id = randomUUID();
    ids.push(prompt_id);
    await comfy.submit(tinyGraph(), { prompt_id, number });
  }

  const { queue_pending } = await comfy.json("/queue");
  const numbers = queue_pending
    .filter(([, id]: QueueItem) => ids.includes(id))
    .map(([number]: QueueItem) => number);
  await comfy.post("/queue", { delete: ids });
  await stop(comfy, listener, running);

  expect(numbers).toEqual([base - 3, base + 9, base + 5]);
});

test("the smallest number runs first, the newest at the front before older ones there", async () => {
  const { comfy, listener, running } = await busy();
  const client_id = listener.clientId;
  const ids: Record<string, string> = {};
  const orders = { late: { number: 1e9 }, front: { front: true }, newest: { front: true } };
  for (const [name, order] of Object.entries(orders)) {
    const prompt_id = randomUUID();
    ids[name] = prompt_id;
    await comfy.submit(tinyGraph(), { prompt_id, client_id, ...order });
  }
  await stop(comfy, listener, running);
  await listener.end(ids["late"] ?? "");

  const started = listener.frames
    .filter(({ type }) => type === "execution_start")
    .map(({ data }) => data.prompt_id)
    .filter((id) => id !== running);
  expect(started).toEqual([ids["newest"], ids["front"], ids["late"]]);
});

test("a deleted pending prompt leaves no trace but a status for everybody", async () => {
  const { comfy, listener, running } = await busy();
  const gone = randomUUID();
  await comfy.submit(tinyGraph(), { prompt_id: gone, client_id: listener.clientId });
  const heard = listener.frames.length;

  const response = await comfy.post("/queue", { delete: [gone, "unknown"] });
  await listener.until(({ type }) => type === "status", heard);

  expect([response.status, await response.text()]).toEqual([200, ""]);
  expect(await pendingItem(comfy, gone)).toBeUndefined();
  expect(await comfy.json(`/history/${gone}`)).toEqual({});
  expect((await comfy.fetch(`/api/jobs/${gone}`)).status).toBe(404);
  expect(listener.of(gone)).toEqual([]);
  await stop(comfy, listener, running);
});

test("deleting the running prompt from the queue does nothing", async () => {
  const { comfy, listener, running } = await busy();

  await comfy.post("/queue", { delete: [running] });
  const { queue_running } = await comfy.json("/queue");
  await stop(comfy, listener, running);

  expect(queue_running[0][1]).toBe(running);
});
