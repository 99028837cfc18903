import { mkdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { Assistant } from "../support/assistant.ts";
import { promptPosts, serverPair, small } from "../support/servers.ts";
import { pathsIn, startEmulator, taskIdIn, tempDir } from "../support/world.ts";

test("a cancel through another server is carried out, also when ComfyUI was away meanwhile", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, count: 2, wait_seconds: 0 });
  const id = taskIdIn(early.text);
  await hold.reached;
  await expect.poll(() => promptPosts(emulator)).toBe(2);
  await emulator.stop();

  const cancelled = await two.call("cancel_task", { task_id: id });
  expect(cancelled.text).toMatch(/and will be cancelled: 2 images asked to stop/);
  await emulator.restart();

  const ended = await one.call("task_status", { task_id: id });
  expect(ended.text).toMatch(/^Cancelled/);
  expect(promptPosts(emulator)).toBe(2);
  expect(emulator.outputFiles()).toEqual([]);
});

test("a cancel is carried out by the next server when the one that was asked dies", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, wait_seconds: 0 });
  await hold.reached;
  await emulator.stop();
  const cancelling = two.call("cancel_task", { task_id: taskIdIn(early.text) });
  await one.kill();
  await emulator.restart();

  await cancelling;
  const ended = await two.call("task_status", { task_id: taskIdIn(early.text) });

  expect(ended.text).toMatch(/^Cancelled/);
  expect(promptPosts(emulator)).toBe(1);
});

test("a task deleted through another server is never posted again", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, count: 3, wait_seconds: 0 });
  await hold.reached;
  await expect.poll(() => promptPosts(emulator)).toBe(3);
  await emulator.stop();

  const deleted = await two.call("delete_tasks", { task_ids: [taskIdIn(early.text)] });
  expect(deleted.text).toMatch(/^Deleted 1 task/);
  hold.release();
  await emulator.restart();
  const next = await one.call("generate_image", small);

  expect(next.text).toMatch(/^Done/);
  expect(promptPosts(emulator)).toBe(4);
  expect(emulator.outputFiles()).toHaveLength(1);
});

test("a relative save_to means the folder of the server that was asked, whoever finishes", async () => {
  const emulator = await startEmulator();
  const [home, dataDir] = [await tempDir(), await tempDir()];
  const [here, there] = [path.join(home, "here"), path.join(home, "there")];
  for (const folder of [here, there]) await mkdir(folder);
  const args = ["--comfyui-url", emulator.url, "--data-dir", dataDir, "--input-roots", home];
  const one = await Assistant.start(args, { cwd: here });
  const two = await Assistant.start(args, { cwd: there });
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", {
    ...small,
    save_to: "hero.png",
    wait_seconds: 0,
  });
  await hold.reached;

  await one.kill();
  hold.release();
  const late = await two.call("task_status", { task_id: taskIdIn(early.text) });

  expect(late.text).toContain(`Saved to ${path.join(here, "hero.png")}`);
});

test("progress of a task that another server works on is told, and so is its end", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const id = taskIdIn((await one.call("generate_image", { ...small, wait_seconds: 0 })).text);
  await hold.reached;

  const call = two.begin("task_status", { task_id: id }, "watching");
  const told = () =>
    two.server.lines
      .map((line) => JSON.parse(line))
      .filter(({ method }) => method === "notifications/progress")
      .map(({ params }) => params.message);
  await expect.poll(told).toContain("Decoding");
  hold.release();

  expect((await two.answer(call)).text).toMatch(/^Done/);
  expect(told().at(-1)).toBe("Done");
});

test("what is shown as done is on record as done, with where it was saved", async () => {
  const emulator = await startEmulator();
  const dataDir = await tempDir();
  const args = ["--comfyui-url", emulator.url, "--data-dir", dataDir, "--input-roots", dataDir];
  const one = await Assistant.start(args);
  for (let i = 0; i < 5; i += 1) {
    const early = await one.call("generate_image", {
      ...small,
      save_to: path.join(dataDir, `out/${i}.png`),
      wait_seconds: 0,
    });
    const id = taskIdIn(early.text);
    for (;;) {
      const status = await one.call("task_status", { task_id: id, wait_seconds: 0 });
      if (!status.text.startsWith("Done")) continue;
      expect(status.text).toMatch(/Saved to/);
      expect(pathsIn(status.text)).toHaveLength(1);
      break;
    }
  }
});
