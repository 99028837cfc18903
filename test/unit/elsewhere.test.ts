import path from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { Elsewhere } from "../../src/tasks/elsewhere.ts";
import { TaskEvents } from "../../src/tasks/events.ts";
import { LiveTask } from "../../src/tasks/live-task.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { quietLog, tempDir } from "../support/world.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("how far a task is goes on being shown, however often it is asked who looks", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const store = await openSqlite(path.join(await tempDir(), "tasks.sqlite"));
  onTestFinished(() => store.close());
  const task = record({ server: "x" });
  await store.insert(task, emptyRecipe);
  await store.wantGlimpses("y", [task.id], 60_000);
  const log = quietLog();
  const live = new LiveTask(task, emptyRecipe, {
    log,
    write: async () => true,
    ending: async () => {},
    announce: async () => {},
    refused: async () => {},
    wrote: () => {},
  });
  const elsewhere = new Elsewhere({
    store,
    log,
    events: new TaskEvents({ progressOf: () => undefined, watched: () => {} }),
    live: { get: () => live, all: () => [live] },
    serverId: () => "x",
  });
  onTestFinished(() => elsewhere.close());

  for (let i = 0; i < 3; i += 1) {
    await elsewhere.show();
    vi.advanceTimersByTime(300);
  }

  await expect.poll(() => store.glimpses(undefined, 0)).toMatchObject([{ task: task.id }]);
});
