import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { longGraph, slowNodes, startComfy, tinyGraph } from "./support.ts";
import { isSince } from "./versions.ts";

test("an unknown or unfinished prompt is an empty object in history", async () => {
  const comfy = await startComfy(slowNodes);
  const listener = await comfy.connect();
  const prompt_id = randomUUID();
  await comfy.submit(longGraph(), { prompt_id, client_id: listener.clientId });
  await listener.executing(prompt_id, "2");

  const running = await comfy.fetch(`/history/${prompt_id}`);
  const unknown = await comfy.fetch(`/history/${randomUUID()}`);
  await comfy.post("/interrupt", { prompt_id });
  await listener.end(prompt_id);

  expect([running.status, await running.json()]).toEqual([200, {}]);
  expect([unknown.status, await unknown.json()]).toEqual([200, {}]);
});

test("a finished prompt's entry holds item, outputs, meta and status", async () => {
  const comfy = await startComfy();
  const graph = tinyGraph();

  const { entry, promptId } = await comfy.run(graph, { extra_data: { note: 1 } });

  const [number, id, prompt, extra, outputs] = entry.prompt;
  expect([typeof number, id, prompt, outputs]).toEqual(["number", promptId, graph, ["2"]]);
  expect(extra).toMatchObject({
    note: 1,
    client_id: expect.any(String),
    ...(isSince("0.3.69") ? { create_time: expect.any(Number) } : {}),
  });
  expect(entry.meta).toEqual({
    "2": { node_id: "2", display_node: "2", parent_node: null, real_node_id: "2" },
  });
  expect(entry.status).toMatchObject({ status_str: "success", completed: true });
  expect(entry.status?.messages.map(([type]) => type)).toEqual([
    "execution_start",
    "execution_cached",
    "execution_success",
  ]);
});

test("keys of partner services never show", async () => {
  const comfy = await startComfy();
  const extra_data = { api_key_comfy_org: "secret", auth_token_comfy_org: "secret" };

  const { promptId } = await comfy.run(tinyGraph(), { extra_data });

  expect(JSON.stringify(await comfy.history(promptId))).not.toContain("secret");
  if (isSince("0.6.0")) expect(JSON.stringify(await comfy.job(promptId))).not.toContain("secret");
});

test("history is told oldest first, and max_items takes the newest", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();
  const first = await comfy.run(tinyGraph(), {}, listener);
  const second = await comfy.run(tinyGraph(), {}, listener);

  const all = Object.keys(await comfy.json("/history"));

  expect(all.indexOf(first.promptId)).toBeGreaterThanOrEqual(0);
  expect(all.indexOf(first.promptId)).toBeLessThan(all.indexOf(second.promptId));
  expect(Object.keys(await comfy.json("/history?max_items=2"))).toHaveLength(2);
  expect(Object.keys(await comfy.json("/history?max_items=1&offset=0"))).toEqual([all[0]]);
  expect(Object.keys(await comfy.json("/history?offset=1"))[0]).toBe(all[1]);
  expect(await comfy.json("/history?max_items=0")).toEqual({});
  expect((await comfy.fetch("/history?max_items=x")).status).toBe(500);
});

test("entries are deleted by id, quietly when unknown", async () => {
  const comfy = await startComfy();
  const { promptId } = await comfy.run(tinyGraph());

  const response = await comfy.post("/history", { delete: [promptId, "unknown"] });

  expect(response.status).toBe(200);
  expect(await comfy.json(`/history/${promptId}`)).toEqual({});
  expect((await comfy.fetch(`/api/jobs/${promptId}`)).status).toBe(404);
});
