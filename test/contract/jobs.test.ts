import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  emptyImage,
  type Json,
  longGraph,
  previewImage,
  savedFiles,
  saveImage,
  slowNodes,
  startComfy,
  tinyGraph,
} from "./support.ts";
import { before, between, describeSince, isSince, since } from "./versions.ts";

before("0.6.0")("there are no jobs to ask for", async () => {
  const comfy = await startComfy();

  const { promptId } = await comfy.run(tinyGraph());

  const response = await comfy.fetch(`/api/jobs/${promptId}`);
  expect([response.status, await response.text()]).toEqual([404, ""]);
});

describeSince("0.6.0", "jobs", () => {
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
      ...(isSince("0.32.0") ? { previewable_outputs_count: 2 } : {}),
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
    await comfy.post("/queue", { delete: [pending] });
    await comfy.post("/interrupt", { prompt_id: running });
    await listener.end(running);

    const common = {
      priority: expect.any(Number),
      create_time: expect.any(Number),
      outputs_count: 0,
      ...(isSince("0.32.0") ? { previewable_outputs_count: 0 } : {}),
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

  const statuses = [
    ...["pending", "in_progress", "completed", "failed"],
    ...(isSince("0.9.0") ? ["cancelled"] : []),
  ].join(", ");

  test.for([
    ["status=foo", `Invalid status value(s): foo. Valid values: ${statuses}`],
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

  async function textJob(): Promise<{ content: unknown; job: Json }> {
    const comfy = await startComfy();
    const { entry, promptId } = await comfy.run({
      words: { class_type: "PrimitiveString", inputs: { value: `hello ${randomUUID()}` } },
      shown: { class_type: "PreviewAny", inputs: { source: ["words", 0] } },
      canvas: emptyImage(),
      picture: previewImage(["canvas", 0]),
    });
    const [content] = (entry.outputs["shown"]?.["text"] ?? []) as string[];
    expect(content).toMatch(/^hello /);
    return { content, job: await comfy.job(promptId) };
  }

  since("0.30.0")(
    "text shown by a node is no counted output and shown only for want of a picture",
    async () => {
      const { job } = await textJob();

      expect(job.outputs_count).toBe(1);
      expect(job.preview_output).toMatchObject({ nodeId: "picture", mediaType: "images" });
    },
  );

  between("0.16.0", "0.28.0")(
    "text shown by a node counts, and hides a picture made later",
    async () => {
      const { content, job } = await textJob();

      const [first] = Object.keys(job.outputs);
      // ComfyUI runs output nodes in any order.
      const text = { content, nodeId: "shown", mediaType: "text" };
      const picture = {
        ...job.outputs["picture"].images[0],
        nodeId: "picture",
        mediaType: "images",
      };
      expect(job.outputs_count).toBe(2);
      expect(job.preview_output).toEqual(first === "shown" ? text : picture);
    },
  );

  before("0.16.0")("text shown by a node is not seen by the jobs", async () => {
    const { job } = await textJob();

    expect(job.outputs_count).toBe(1);
    expect(job.preview_output).toMatchObject({ nodeId: "picture", mediaType: "images" });
  });

  since("0.16.0")("text alone is shown as such", async () => {
    const comfy = await startComfy();
    const { entry, promptId } = await comfy.run({
      "1": { class_type: "PrimitiveString", inputs: { value: `hello ${randomUUID()}` } },
      "2": { class_type: "PreviewAny", inputs: { source: ["1", 0] } },
    });

    const { outputs_count, preview_output } = await comfy.job(promptId);

    const [content] = (entry.outputs["2"]?.["text"] ?? []) as string[];
    expect(outputs_count).toBe(isSince("0.28.0") ? 0 : 1);
    expect(preview_output).toEqual({ content, nodeId: "2", mediaType: "text" });
  });

  test.for([[null], [{ workflow: null }], [{ workflow: "text" }], [[]]])(
    "one prompt with an extra_pnginfo of %j makes the listing fail, and no other job",
    async ([extra_pnginfo]) => {
      const comfy = await startComfy();
      const listener = await comfy.connect();
      const healthy = await comfy.run(tinyGraph(), {}, listener);
      const status = async (path: string) => (await comfy.fetch(`/api/jobs${path}`)).status;

      const { promptId, entry } = await comfy.run(tinyGraph(), { extra_data: { extra_pnginfo } });
      const all = await Promise.all(["", "?workflow_id=x", `/${promptId}`].map(status));
      const others = await Promise.all([`/${healthy.promptId}`, "?status=pending"].map(status));
      await comfy.post("/history", { delete: [promptId] });

      expect(entry.status?.status_str).toBe("success");
      expect(all).toEqual([500, 500, 500]);
      expect(others).toEqual([200, 200]);
      expect(await status("")).toBe(200);
    },
  );

  test("a pending prompt without its extra_pnginfo makes the listing fail too", async () => {
    const comfy = await startComfy(slowNodes);
    const listener = await comfy.connect();
    const [running, pending] = [randomUUID(), randomUUID()];
    await comfy.submit(longGraph(), { prompt_id: running, client_id: listener.clientId });
    await listener.executing(running, "2");
    const extra_data = { extra_pnginfo: null };
    await comfy.submit(tinyGraph(), { prompt_id: pending, extra_data });

    const { status } = await comfy.fetch("/api/jobs");
    await comfy.post("/queue", { delete: [pending] });
    const after = await comfy.fetch("/api/jobs");
    await comfy.post("/interrupt", { prompt_id: running });
    await listener.end(running);

    expect([status, after.status]).toEqual([500, 200]);
  });
});
