import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  emptyImage,
  longGraph,
  previewImage,
  savedFiles,
  saveImage,
  slowNodes,
  startComfy,
  tinyGraph,
} from "./support.ts";

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
    create_time: expect.any(Number),
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
  expect(JSON.stringify(await comfy.job(promptId))).not.toContain("secret");
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

test("a completed job tells times, counts, outputs and a picture to show", async () => {
  const comfy = await startComfy();
  const graph = {
    "1": emptyImage(),
    "2": saveImage(["1", 0]),
    "3": previewImage(["1", 0]),
  };
  const { entry, promptId } = await comfy.run(graph);

  const job = await comfy.job(promptId);

  const times = [job.create_time, job.execution_start_time, job.execution_end_time].map(Number);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(job).toMatchObject({
    id: promptId,
    status: "completed",
    priority: entry.prompt[0],
    outputs_count: 2,
    previewable_outputs_count: 2,
    preview_output: { ...savedFiles(entry)[0], nodeId: "2", mediaType: "images" },
    outputs: entry.outputs,
    execution_status: entry.status,
    workflow: { prompt: graph, extra_data: entry.prompt[3] },
  });
  expect(job).not.toHaveProperty("workflow_id");
});

test("a failed job carries its error", async () => {
  const comfy = await startComfy();
  const graph = {
    "2": { class_type: "SaveImage", inputs: { images: "none", filename_prefix: "x" } },
  };
  const { entry, promptId } = await comfy.run(graph);

  const job = await comfy.job(promptId);

  expect(job.status).toBe("failed");
  expect(job.execution_error).toEqual(entry.status?.messages.at(-1)?.[1]);
  expect(job.outputs_count).toBe(0);
});

test("a running and a pending job are told apart, with little else", async () => {
  const comfy = await startComfy(slowNodes);
  const listener = await comfy.connect();
  const [running, pending] = [randomUUID(), randomUUID()];
  await comfy.submit(longGraph(), { prompt_id: running, client_id: listener.clientId });
  await listener.executing(running, "2");
  const extra_data = { extra_pnginfo: { workflow: { id: "wf-1" } } };
  await comfy.submit(tinyGraph(), { prompt_id: pending, extra_data });

  const [runningJob, pendingJob] = [await comfy.job(running), await comfy.job(pending)];
  await comfy.post(`/api/jobs/${pending}/cancel`);
  await comfy.post(`/api/jobs/${running}/cancel`);
  await listener.end(running);

  const common = {
    priority: expect.any(Number),
    create_time: expect.any(Number),
    outputs_count: 0,
    previewable_outputs_count: 0,
  };
  expect(runningJob).toEqual({ id: running, status: "in_progress", ...common });
  expect(pendingJob).toEqual({ id: pending, status: "pending", workflow_id: "wf-1", ...common });
});

test("an unknown job is a 404 that says so", async () => {
  const comfy = await startComfy();

  const response = await comfy.fetch(`/api/jobs/${randomUUID()}`);

  expect([response.status, await response.json()]).toEqual([404, { error: "Job not found" }]);
});

test("jobs are listed newest first, in pages, by status and by workflow", async () => {
  const comfy = await startComfy();
  const workflowId = randomUUID();
  const extra_data = { extra_pnginfo: { workflow: { id: workflowId } } };
  const first = await comfy.run(tinyGraph(), { extra_data: structuredClone(extra_data) });
  const second = await comfy.run(tinyGraph(), { extra_data });
  const ids = async (query: string) => {
    const { jobs, pagination } = await comfy.json(`/api/jobs?workflow_id=${workflowId}${query}`);
    return [jobs.map(({ id }: { id: string }) => id), pagination];
  };

  expect(await ids("")).toEqual([
    [second.promptId, first.promptId],
    { offset: 0, limit: null, total: 2, has_more: false },
  ]);
  expect((await ids("&sort_order=asc"))[0]).toEqual([first.promptId, second.promptId]);
  expect(await ids("&limit=1&offset=0")).toEqual([
    [second.promptId],
    { offset: 0, limit: 1, total: 2, has_more: true },
  ]);
  expect((await ids("&status=failed,pending"))[0]).toEqual([]);
  expect((await ids("&status=COMPLETED"))[0]).toHaveLength(2);
});

test.for([
  [
    "status=foo",
    "Invalid status value(s): foo. Valid values: pending, in_progress, completed, failed, cancelled",
  ],
  ["limit=0", "limit must be a positive integer"],
  ["limit=x", "limit must be an integer"],
  ["offset=x", "offset must be an integer"],
  ["sort_by=x", "sort_by must be 'created_at' or 'execution_duration'"],
  ["sort_order=x", "sort_order must be 'asc' or 'desc'"],
])("a listing with %s is refused", async ([query, error]) => {
  const comfy = await startComfy();

  const response = await comfy.fetch(`/api/jobs?${query}`);

  expect([response.status, await response.json()]).toEqual([400, { error }]);
});

test("text shown by a node is in its outputs but is no counted output", async () => {
  const comfy = await startComfy();
  const { entry, promptId } = await comfy.run({
    "1": { class_type: "PrimitiveString", inputs: { value: `hello ${randomUUID()}` } },
    "2": { class_type: "PreviewAny", inputs: { source: ["1", 0] } },
  });

  const job = await comfy.job(promptId);

  const [content] = (entry.outputs["2"]?.["text"] ?? []) as string[];
  expect(content).toMatch(/^hello /);
  expect(job.outputs_count).toBe(0);
  expect(job.preview_output).toEqual({ content, nodeId: "2", mediaType: "text" });
});
