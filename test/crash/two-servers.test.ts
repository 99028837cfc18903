import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { promptPosts, serverPair, small } from "../support/servers.ts";
import { pathsIn, taskIdIn } from "../support/world.ts";

test("each sees and waits for the other's task, and only one works on it", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const id = taskIdIn((await one.call("generate_image", { ...small, wait_seconds: 0 })).text);
  await hold.reached;

  const waiting = two.call("task_status", { task_id: id });
  hold.release();

  expect((await waiting).text).toMatch(/^Done/);
  expect((await one.call("task_status", { task_id: id })).text).toMatch(/^Done/);
  expect(promptPosts(emulator)).toBe(1);
});

test("when one is killed the other takes its work over, and nothing runs twice", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, count: 3, wait_seconds: 0 });
  await hold.reached;
  await expect.poll(() => promptPosts(emulator)).toBe(3);

  await one.kill();
  hold.release();
  const late = await two.call("task_status", { task_id: taskIdIn(early.text) });

  expect(late.text).toMatch(/^Done/);
  expect(pathsIn(late.text).filter(existsSync)).toHaveLength(3);
  expect(promptPosts(emulator)).toBe(3);
  expect(emulator.outputFiles()).toHaveLength(3);
});

test("when one leaves in order the other goes on with what it left", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, wait_seconds: 0 });
  await hold.reached;

  one.server.child.stdin.end();
  await one.server.exited;
  hold.release();

  expect((await two.call("task_status", { task_id: taskIdIn(early.text) })).text).toMatch(/^Done/);
  expect(promptPosts(emulator)).toBe(1);
});

test("one cancels the other's task", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, count: 2, wait_seconds: 0 });
  await hold.reached;
  await expect.poll(() => promptPosts(emulator)).toBe(2);

  const cancelled = await two.call("cancel_task", { task_id: taskIdIn(early.text) });

  expect(cancelled.text).toMatch(
    /is cancelled: 2 images stopped by the server that worked on it\.$/,
  );
  expect((await one.call("task_status", { task_id: taskIdIn(early.text) })).text).toMatch(
    /^Cancelled/,
  );
});

test("one deletes the other's running task, and nothing of it comes back", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, wait_seconds: 0 });
  await hold.reached;

  const deleted = await two.call("delete_tasks", { task_ids: [taskIdIn(early.text)] });
  hold.release();

  expect(deleted.text).toMatch(/^Deleted 1 task /);
  const next = await one.call("generate_image", small);
  expect(next.text).toMatch(/^Done/);
  for (const server of [one, two]) {
    const tasks = await server.tasks();
    expect(tasks.map((task) => task.task_id)).toEqual([taskIdIn(next.text)]);
  }
});
