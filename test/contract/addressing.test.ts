import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { longGraph, slowNodes, startComfy, tinyGraph, types } from "./support.ts";

test("another client hears of a run only through status", async () => {
  const comfy = await startComfy();
  const [own, other] = [await comfy.connect(), await comfy.connect()];

  const { promptId } = await comfy.run(tinyGraph(), {}, own);
  await other.untilTrue(
    async () => other.frames.filter(({ type }) => type === "status").length > 2,
  );

  expect(own.of(promptId).length).toBeGreaterThan(5);
  expect(other.of(promptId)).toEqual([]);
});

test("a prompt without client id tells its progress to everybody and nothing else", async () => {
  const comfy = await startComfy(slowNodes);
  const listener = await comfy.connect();
  const prompt_id = randomUUID();

  await comfy.submit(tinyGraph(), { prompt_id });
  await listener.until(
    ({ type, data }) =>
      type === "progress_state" &&
      data.prompt_id === prompt_id &&
      data.nodes["2"]?.state === "finished",
  );
  // What comes after the end would have come before this run's last event.
  const witness = await comfy.connect();
  await comfy.run(tinyGraph(), {}, witness);

  expect(new Set(types(listener.of(prompt_id)))).toEqual(new Set(["progress_state"]));
});

test("the interruption of a prompt without client id is told to everybody", async () => {
  const comfy = await startComfy(slowNodes);
  const listener = await comfy.connect();
  const prompt_id = randomUUID();
  await comfy.submit(longGraph(), { prompt_id });
  await listener.until(
    ({ type, data }) => type === "progress_state" && data.prompt_id === prompt_id,
  );

  await comfy.post("/interrupt", { prompt_id });
  const { data } = await listener.until(({ type }) => type === "execution_interrupted");

  expect(data).toMatchObject({ prompt_id, node_type: expect.any(String) });
  expect(listener.of(prompt_id).map(({ type }) => type)).not.toContain("execution_start");
});

test("the client id may come inside extra_data", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();
  const prompt_id = randomUUID();

  await comfy.submit(tinyGraph(), { prompt_id, extra_data: { client_id: listener.clientId } });
  await listener.end(prompt_id);

  expect(types(listener.of(prompt_id))).toContain("execution_success");
});

test("a client that names no id is given one", async () => {
  const comfy = await startComfy();

  const listener = await comfy.connect("");

  expect(listener.frames[0]?.data.sid).toMatch(/^[0-9a-f]{32}$/);
});

test("a newer socket with the same client id takes over", async () => {
  const comfy = await startComfy();
  const id = randomUUID();
  const older = await comfy.connect(id);
  const heard = older.frames.length;
  const newer = await comfy.connect(id);

  const { promptId } = await comfy.run(tinyGraph(), {}, newer);

  expect(newer.of(promptId).length).toBeGreaterThan(5);
  expect(older.frames.length).toBe(heard);
});

test("closing the older socket silences the newer one of the same id", async () => {
  const comfy = await startComfy();
  const id = randomUUID();
  const older = await comfy.connect(id);
  const newer = await comfy.connect(id);
  older.close();
  await older.closed;
  const heard = newer.frames.length;

  const witness = await comfy.connect();
  await comfy.run(tinyGraph(), {}, witness);

  expect(newer.frames.length).toBe(heard);
  expect(newer.socket.readyState).toBe(newer.socket.OPEN);
});

test("who reconnects to a run of theirs is told the node, without a prompt id, and hears the rest", async () => {
  const comfy = await startComfy(slowNodes);
  const first = await comfy.connect();
  const prompt_id = randomUUID();
  await comfy.submit(longGraph(), { prompt_id, client_id: first.clientId });
  await first.executing(prompt_id, "2");
  first.close();
  await first.closed;

  const second = await comfy.connect(first.clientId);
  await second.until(({ type }) => type === "executing");
  await comfy.post("/interrupt", { prompt_id });
  await second.end(prompt_id);

  const [status, executing] = second.frames;
  expect(status?.data.sid).toBe(first.clientId);
  expect(executing).toEqual({ type: "executing", data: { node: expect.any(String) } });
  expect(types(second.of(prompt_id))).toContain("execution_interrupted");
});

test("who comes for the first time is told no node", async () => {
  const comfy = await startComfy();

  const listener = await comfy.connect();
  await comfy.run(tinyGraph(), {}, listener);

  expect(types(listener.frames)[1]).toBe("status");
});
