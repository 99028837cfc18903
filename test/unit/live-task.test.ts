import { expect, test } from "vitest";
import { Announcer } from "../../src/tasks/announcer.ts";
import { LiveTask } from "../../src/tasks/live-task.ts";
import type { Task } from "../../src/tasks/task.ts";
import { MemoryOutbox } from "../../src/webhooks/outbox.ts";
import { WebhookSender } from "../../src/webhooks/sender.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { quietLog } from "../support/world.ts";

/** Lets this many microtasks go by. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await undefined;
}

test.for([1, 2, 3, 4, 5])("an edit %i turns after a write is written too", async (count) => {
  const onRecord: Task[] = [];
  let late = Promise.resolve();
  const live = new LiveTask(record(), emptyRecipe, {
    log: quietLog(),
    write: async (task) => onRecord.push(task) > 0,
    ending: async () => {},
    announce: async () => {},
    refused: async () => {},
    wrote: () => {
      if (onRecord.length > 1) return;
      late = turns(count).then(() => live.edit((task) => void task.warnings.push("late")));
    },
  });

  live.edit((task) => void task.warnings.push("early"));
  await live.written();
  await late;
  await live.written();

  expect(onRecord.at(-1)?.warnings).toEqual(["early", "late"]);
});

test("a task is not on record as ended before what its webhook is told is kept", async () => {
  const onRecord: Task[] = [];
  const log = quietLog();
  const full = Object.assign(new MemoryOutbox(), {
    add: () => Promise.reject(new Error("the disk is full")),
  });
  const sender = new WebhookSender({ outbox: full, rule: () => undefined, log });
  const announcer = new Announcer(sender, log);
  const run = { promptId: "p", state: "running" as const, images: [] };
  const webhook = { url: "https://hooks.example/x" };
  const live = new LiveTask(record({ state: "running", runs: [run], webhook }), emptyRecipe, {
    log,
    write: async (task) => onRecord.push(task) > 0,
    ending: async () => {},
    announce: (task) => announcer.keep(task),
    refused: async () => {},
    wrote: () => {},
  });

  live.editRun(0, (each) => {
    each.state = "completed";
  });
  await expect.poll(() => log.lines.join()).toMatch(/the disk is full/);
  live.letGo();
  await live.written();

  expect(onRecord).toEqual([]);
});
