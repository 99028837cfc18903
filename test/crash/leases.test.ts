import { spawnSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Assistant } from "../support/assistant.ts";
import { promptPosts, serverPair, small } from "../support/servers.ts";
import { startEmulator, taskIdIn, tempDir } from "../support/world.ts";

/** A little longer than a lease, which is ten seconds. */
const pastTheLeaseMs = 12_500;

test("a server that was frozen past its lease posts nothing more, and its pictures come once", async () => {
  const { emulator, one, two } = await serverPair();
  const hold = emulator.hold("VAEDecode");
  const early = await one.call("generate_image", { ...small, count: 4, wait_seconds: 0 });
  await hold.reached;
  await expect.poll(() => promptPosts(emulator)).toBe(4);

  one.server.child.kill("SIGSTOP");
  await delay(pastTheLeaseMs);
  hold.release();
  const late = await two.call("task_status", { task_id: taskIdIn(early.text) });
  one.server.child.kill("SIGCONT");
  const seen = await one.call("task_status", { task_id: taskIdIn(early.text) });

  expect(late.text).toMatch(/^Done.*4 images/);
  expect(seen.text).toMatch(/^Done.*4 images/);
  expect(promptPosts(emulator)).toBe(4);
  expect(emulator.outputFiles()).toHaveLength(4);
});

test("runs that a frozen server had not posted yet are posted by the next one alone", async () => {
  const { emulator, one, two } = await serverPair();
  emulator.faults.neverStart = true;
  emulator.faults.failRequests = [{ method: "POST", path: "/prompt", times: 1_000, status: 503 }];
  const early = await one.call("generate_image", { ...small, count: 3, wait_seconds: 0 });
  await expect.poll(() => promptPosts(emulator)).toBeGreaterThan(0);

  one.server.child.kill("SIGSTOP");
  await delay(pastTheLeaseMs);
  emulator.faults.failRequests = [];
  emulator.faults.neverStart = false;
  const late = await two.call("task_status", { task_id: taskIdIn(early.text) });
  const before = promptPosts(emulator);
  one.server.child.kill("SIGCONT");
  await one.call("task_status", { task_id: taskIdIn(early.text) });

  expect(late.text).toMatch(/^Done.*3 images/);
  expect(promptPosts(emulator)).toBe(before);
  expect(emulator.outputFiles()).toHaveLength(3);
});

const unshares = spawnSync("unshare", ["-fp", "--mount-proc", "true"]).status === 0;

test.skipIf(!unshares)(
  "servers in two pid namespaces leave each other's tasks alone (needs unshare and its rights)",
  async () => {
    const emulator = await startEmulator();
    const args = ["--comfyui-url", emulator.url, "--data-dir", await tempDir()];
    const inside = { command: "unshare", before: ["-fp", "--mount-proc", process.execPath] };
    const one = await Assistant.start(args, inside);
    const two = await Assistant.start(args, inside);
    const hold = emulator.hold("VAEDecode");
    const first = await one.call("generate_image", { ...small, wait_seconds: 0 });
    await hold.reached;
    const second = await two.call("generate_image", { ...small, wait_seconds: 0 });
    // Long enough for both to look at the other's tasks more than once.
    await delay(5_000);
    hold.release();

    for (const [server, early] of [
      [one, first],
      [two, second],
    ] as const) {
      const late = await server.call("task_status", { task_id: taskIdIn(early.text) });
      expect(late.text).toMatch(/^Done/);
    }
    expect(promptPosts(emulator)).toBe(2);
    for (const { server } of [one, two]) {
      expect(server.errors.filter((line) => /taking up/.test(line))).toEqual([]);
    }
  },
);
