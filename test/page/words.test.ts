import { expect, test } from "vitest";
import { isNew, newsSince } from "../../page/src/model/seen.ts";
import {
  bytesWords,
  dayName,
  progressWords,
  seconds,
  titleOf,
} from "../../page/src/model/words.ts";
import type { Progress } from "../../page/src/records.ts";
import { task } from "./tasks.ts";

const progress = (change: Partial<Progress>): Progress => ({
  phase: "running",
  fraction: 0,
  done: 0,
  count: 1,
  message: "",
  ...change,
});
const running = task({ state: "running", workflow_title: "FLUX.1 dev" });
const sixSecondsIn = Date.parse(running.started_at ?? "") + 6000;

test.each([
  [progress({ phase: "queued", ahead: 2, seconds_left: 40 }), "2 ahead", "about 40 s"],
  [progress({ phase: "queued", ahead: 0 }), "Next in line", ""],
  [progress({ phase: "waiting" }), "ComfyUI is away. This task waits.", ""],
  [progress({ activity: "loading" }), "Loading FLUX.1 dev", "6 s so far"],
  [
    progress({ activity: "painting", step: 9, steps: 20, seconds_left: 8 }),
    "Painting, step 9 of 20",
    "6 s so far, about 8 s to go",
  ],
  [progress({ activity: "saving" }), "Saving", "6 s so far"],
  [progress({ activity: "other", message: "Running Odd" }), "Running Odd", "6 s so far"],
])("progress %j is worded %s", (now, what, time) => {
  expect(progressWords(running, now, sixSecondsIn)).toEqual({ what, time });
});

test("there is no estimate before there is one to give", () => {
  const { time } = progressWords(running, progress({ activity: "painting" }), sixSecondsIn - 5500);

  expect(time).toBe("");
});

test("times and sizes are as long as they need to be", () => {
  expect([8, 60, 65, 7800].map(seconds)).toEqual(["8 s", "1 min", "1 min 5 s", "2 h 10 min"]);
  expect([900, 733_000, 1_467_000, 20_430_635_136].map(bytesWords)).toEqual([
    "1 kB",
    "733 kB",
    "1.5 MB",
    "20.4 GB",
  ]);
});

test("days have the names people use", () => {
  const now = new Date("2026-05-08T00:10:00");
  const days = ["2026-05-07T23:59:00", "2026-05-04T10:00:00", "2026-03-03T10:00:00"];

  expect(days.map((day) => dayName(day, now))).toEqual(["Yesterday", "Monday", "3 March"]);
});

test("a task without words goes by what was done", () => {
  expect(titleOf(task({ tool: "remove_background", prompt: null }))).toBe("Cut out");
  expect(titleOf(task({ tool: "my_tool", prompt: null }))).toBe("my tool");
});

test("news counts what others made since then, and not what this page made", () => {
  const since = "2026-05-02T12:00:00.000Z";
  const list = [
    task({ id: "a", via: "mcp", client: "Cursor", count: 2 }),
    task({ id: "b", via: "mcp", client: "Cursor", state: "failed", images: [] }),
    task({ id: "c", via: "page", client: "page" }),
    task({ id: "d", via: "mcp", client: "Cursor", finished_at: "2026-05-02T11:59:00.000Z" }),
  ];

  expect(newsSince(list, since)).toEqual({ pictures: 2, failed: 1, by: "2 by Cursor" });
  expect(list.map((one) => isNew(one, since))).toEqual([true, true, false, false]);
});
