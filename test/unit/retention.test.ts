import { expect, onTestFinished, test, vi } from "vitest";
import { Retention } from "../../src/tasks/retention.ts";
import { MemoryTaskStore } from "../../src/tasks/store/memory.ts";
import { imagesOf } from "../../src/tasks/task.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { quietLog, startApp, startEmulator } from "../support/world.ts";

const small = { prompt: "x", width: 128, height: 128 };

async function threeTasks() {
  const emulator = await startEmulator();
  const world = await startApp(emulator.url);
  for (let i = 0; i < 3; i += 1) {
    const task = await world.deps.studio.submit("generate_image", { parameters: small });
    await world.deps.studio.wait(task.id, 30_000);
  }
  const { tasks } = await world.app.tasks.list({}, 10);
  await world.app.close();
  return { emulator, dataDir: world.dataDir, tasks };
}

test("without rules nothing goes", async () => {
  const { emulator, dataDir } = await threeTasks();
  const { app, log } = await startApp(emulator.url, { dataDir });

  expect(await app.tasks.count({})).toBe(3);
  expect(log.lines.join()).not.toMatch(/retention/);
});

test("tasks older than the days to keep go at the next start, and the log says so", async () => {
  const { emulator, dataDir, tasks } = await threeTasks();
  const { app, log } = await startApp(emulator.url, { dataDir, keepDays: 0 });

  await expect.poll(() => log.lines.join()).toMatch(/retention: removed 3 tasks older than 0 days/);
  const [image] = tasks.flatMap(imagesOf);
  await expect(app.images.readResult(String(image?.id), "image/png")).rejects.toThrow(/gone/);
});

test("the oldest go while the pictures take too much", async () => {
  const { emulator, dataDir, tasks } = await threeTasks();
  const [newest] = tasks;
  const keepGb = ((newest?.resultBytes ?? 0) + 1) / 1024 ** 3;

  const { app, log } = await startApp(emulator.url, { dataDir, keepGb });

  await expect.poll(() => log.lines.join()).toMatch(/retention: removed 2 tasks beyond/);
  expect((await app.tasks.list({}, 10)).tasks.map(({ id }) => id)).toEqual([newest?.id]);
});

test("closed in the middle, the removal under way is ended, the rest waits for the next start", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const store = new MemoryTaskStore("for a test");
  for (let i = 0; i < 3; i += 1) {
    await store.insert(record({ state: "completed", resultBytes: 1 }), emptyRecipe);
  }
  const rules = { keepDays: 0, keepGb: 0 };
  const closed: Promise<void>[] = [];
  const retention: Retention = new Retention(rules, store, quietLog(), async ({ id }) => {
    closed.push(retention.close());
    await store.conceal(id);
  });

  await retention.start();
  await Promise.all(closed);
  await retention.start();

  expect(await store.count({})).toBe(2);
  expect(vi.getTimerCount()).toBe(0);
});

test("a task whose ComfyUI stays away fails with the reason when its time is up", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("VAEDecode");
  const { studio } = (await startApp(emulator.url, { lostAfterSeconds: 0.5 })).deps;
  const { id } = await studio.submit("generate_image", { parameters: small });
  await hold.reached;

  await emulator.stop();

  const ended = await studio.wait(id, 30_000);
  expect(ended.state).toBe("failed");
  expect(ended.error).toMatchObject({
    code: "lost",
    message: expect.stringMatching(/^Given up: ComfyUI has been away since .*\(--lost-after\)/),
  });
});
