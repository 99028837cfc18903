import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  type Comfy,
  type Listener,
  longGraph,
  slowNodes,
  startComfy,
  tinyGraph,
  types,
} from "./support.ts";
import { between, describeSince, since } from "./versions.ts";

async function running(): Promise<{ comfy: Comfy; listener: Listener; promptId: string }> {
  const comfy = await startComfy(slowNodes);
  const listener = await comfy.connect();
  const promptId = randomUUID();
  await comfy.submit(longGraph(), { prompt_id: promptId, client_id: listener.clientId });
  await listener.executing(promptId, "2");
  return { comfy, listener, promptId };
}

test("an interrupt ends the running prompt between two nodes", async () => {
  const { comfy, listener, promptId } = await running();

  const response = await comfy.post("/interrupt", { prompt_id: promptId });
  await listener.end(promptId);

  expect([response.status, await response.text()]).toEqual([200, ""]);
  const last = types(listener.of(promptId)).slice(-2);
  expect(last).toEqual(["execution_interrupted", "executing"]);
  const event = listener.frames.find(({ type }) => type === "execution_interrupted");
  expect(event?.data).toEqual({
    prompt_id: promptId,
    node_id: expect.any(String),
    node_type: "ImageScale",
    executed: expect.arrayContaining(["1"]),
    timestamp: expect.any(Number),
  });
});

test("an interrupted prompt is in history as an error that is not complete", async () => {
  const { comfy, listener, promptId } = await running();

  await comfy.post("/interrupt", { prompt_id: promptId });
  await listener.end(promptId);

  const entry = await comfy.history(promptId);
  expect(entry.status).toMatchObject({ status_str: "error", completed: false });
  expect(entry.status?.messages.at(-1)?.[0]).toBe("execution_interrupted");
  expect(entry.outputs).toEqual({});
});

since("0.9.0")("an interrupted prompt is cancelled as a job", async () => {
  const { comfy, listener, promptId } = await running();

  await comfy.post("/interrupt", { prompt_id: promptId });
  await listener.end(promptId);

  const { status, execution_error } = await comfy.job(promptId);
  expect([status, execution_error]).toEqual(["cancelled", undefined]);
});

between("0.6.0", "0.9.0")(
  "an interrupted prompt is failed as a job, without an error",
  async () => {
    const { comfy, listener, promptId } = await running();

    await comfy.post("/interrupt", { prompt_id: promptId });
    await listener.end(promptId);

    const { status, execution_error, execution_status } = await comfy.job(promptId);
    expect([status, execution_error]).toEqual(["failed", undefined]);
    expect(execution_status.messages.at(-1)[0]).toBe("execution_interrupted");
  },
);

test("an interrupt without an id ends whatever runs", async () => {
  const { comfy, listener, promptId } = await running();

  await comfy.post("/interrupt");
  await listener.end(promptId);

  const { status } = await comfy.history(promptId);
  expect(status?.messages.at(-1)?.[0]).toBe("execution_interrupted");
});

test("an interrupt for another prompt is answered alike and does nothing", async () => {
  const { comfy, listener, promptId } = await running();

  const response = await comfy.post("/interrupt", { prompt_id: randomUUID() });
  const { queue_running } = await comfy.json("/queue");
  await comfy.post("/interrupt", { prompt_id: promptId });
  await listener.end(promptId);

  expect(response.status).toBe(200);
  expect(queue_running[0][1]).toBe(promptId);
});

test("an interrupt while idle does not reach the next prompt", async () => {
  const comfy = await startComfy();
  await comfy.post("/interrupt", { prompt_id: randomUUID() });

  const { entry } = await comfy.run(tinyGraph());

  expect(entry.status?.status_str).toBe("success");
});

describeSince("0.26.0", "cancelling jobs", () => {
  test("cancelling a running job says so and interrupts it", async () => {
    const { comfy, listener, promptId } = await running();

    const response = await comfy.post(`/api/jobs/${promptId}/cancel`);
    await listener.end(promptId);

    expect(await response.json()).toEqual({ cancelled: true });
    expect((await comfy.job(promptId)).status).toBe("cancelled");
  });

  test("cancelling a pending job takes it out of the queue", async () => {
    const { comfy, listener, promptId } = await running();
    const pending = randomUUID();
    await comfy.submit(tinyGraph(), { prompt_id: pending });

    const first = await comfy.post(`/api/jobs/${pending}/cancel`);
    const second = await comfy.post(`/api/jobs/${pending}/cancel`);
    const { status } = await comfy.fetch(`/api/jobs/${pending}`);
    await comfy.post(`/api/jobs/${promptId}/cancel`);
    await listener.end(promptId);

    expect(await first.json()).toEqual({ cancelled: true });
    expect(await second.json()).toEqual({ cancelled: false });
    expect(status).toBe(404);
  });

  test("cancelling a finished, an unknown or a malformed job is a no", async () => {
    const comfy = await startComfy();
    const { promptId } = await comfy.run(tinyGraph());

    for (const id of [promptId, randomUUID(), "nonsense"]) {
      const response = await comfy.post(`/api/jobs/${id}/cancel`);
      expect([response.status, await response.json()]).toEqual([200, { cancelled: false }]);
    }
    expect((await comfy.job(promptId)).status).toBe("completed");
  });

  test("several jobs are cancelled at once, unless one of the ids is malformed", async () => {
    const { comfy, listener, promptId } = await running();
    const pending = randomUUID();
    await comfy.submit(tinyGraph(), { prompt_id: pending });

    const refused = await comfy.post("/api/jobs/cancel", { job_ids: [pending, "foo"] });
    const { status } = await comfy.job(pending);
    const done = await comfy.post("/api/jobs/cancel", {
      job_ids: [pending, promptId, randomUUID()],
    });
    await listener.end(promptId);

    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: "job_ids contains invalid id(s)", invalid_ids: ["foo"] },
    ]);
    expect(status).toBe("pending");
    expect(await done.json()).toEqual({ cancelled: true });
  });

  test.for([
    ["no json", "Request body must be valid JSON"],
    [{}, "job_ids must be a list"],
  ])("a batch of %j is refused", async ([body, error]) => {
    const comfy = await startComfy();

    const response = await comfy.post("/api/jobs/cancel", body);

    expect([response.status, await response.json()]).toEqual([400, { error }]);
  });
});
