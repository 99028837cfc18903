import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { Assistant } from "../support/assistant.ts";
import { promptPosts, small } from "../support/servers.ts";
import { pathsIn, startEmulator, taskIdIn, tempDir } from "../support/world.ts";

test("what waited here when its server was killed is made by the next, and nothing twice", async () => {
  const emulator = await startEmulator();
  const args = ["--comfyui-url", emulator.url, "--data-dir", await tempDir()];
  args.push("--hand-over", "few");
  const [one, two] = await Promise.all([Assistant.start(args), Assistant.start(args)]);
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, count: 6, wait_seconds: 0 });
  await hold.reached;
  expect(promptPosts(emulator)).toBeLessThanOrEqual(2);

  await one.kill();
  hold.release();
  const late = await two.call("task_status", { task_id: taskIdIn(early.text) });

  expect(late.text).toMatch(/^Done/);
  expect(pathsIn(late.text).filter(existsSync)).toHaveLength(6);
  expect(promptPosts(emulator)).toBe(6);
  expect(emulator.outputFiles()).toHaveLength(6);
});
