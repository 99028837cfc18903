import { expect, test } from "vitest";
import { LiveTask } from "../../src/tasks/live-task.ts";
import type { Task } from "../../src/tasks/task.ts";
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
