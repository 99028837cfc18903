import { expect, test } from "vitest";
import { Pace } from "../../src/studio/pace.ts";
import { waysOut } from "../../src/studio/ways.ts";
import type { Task } from "../../src/tasks/task.ts";
import type { Tasks } from "../../src/tasks/tasks.ts";
import { startEmulator } from "../support/world.ts";
import { Events, ended, made, startRest, taskIn } from "./rest-support.ts";

interface Failed {
  code: string;
  message: string;
  detail?: string;
  ways: { label: string; set: Record<string, unknown> }[];
}

test("a task that ran out of memory says what ComfyUI said, and a way out that works", async () => {
  const emulator = await startEmulator();
  const rest = await startRest(emulator.url);
  emulator.faults.raiseOutOfMemory("VAEDecode");

  const task = await made(rest, { prompt: "a fox", width: 1536, height: 1152 });
  const { code, message, detail, ways } = task.error as Failed;

  expect([task.state, code]).toEqual(["failed", "execution_failed"]);
  expect(message).toContain("The GPU ran out of memory");
  expect(detail).toMatch(/^VAEDecode: torch\.OutOfMemoryError: /);
  expect(ways).toEqual([{ label: "Paint at 1024 × 768", set: { width: 1024, height: 768 } }]);
  emulator.faults.raise = {};
  const again = await made(rest, { ...task.arguments, ...ways[0]?.set });
  expect(again).toMatchObject({ state: "completed", width: 1024, height: 768 });
});

test("a task whose model file went is offered another workflow, which null asks for", async () => {
  const emulator = await startEmulator();
  const rest = await startRest(emulator.url);
  const task = await made(rest, { prompt: "a fox", width: 64, height: 64 });

  const failed = { error: { code: "comfy_rejected", message: "", reason: "missing_choice" } };
  const [way] = waysOut(failed as Task, 2);

  expect(way).toEqual({ label: "Use another workflow", set: { workflow: null, model: null } });
  expect(waysOut(failed as Task, 1)).toEqual([]);
  const answer = await rest.post("/api/v1/tasks", {
    tool: "generate_image",
    arguments: { ...task.arguments, ...way?.set },
  });
  expect(answer.status).toBe(202);
  await ended(rest, (await taskIn(answer)).id);
});

test("once pictures of a workflow were made, a task says how long it takes yet, and so does the workflow", async () => {
  const emulator = await startEmulator();
  const rest = await startRest(emulator.url);
  const first = await made(rest, { prompt: "a fox", width: 64, height: 64 });
  const secondsOf = async () => {
    const { workflows } = (await (await rest.get("/api/v1/workflows")).json()) as {
      workflows: { name: string; seconds: number | null }[];
    };
    return workflows.find(({ name }) => name === first["workflow"])?.seconds;
  };
  expect(await secondsOf()).toBeGreaterThan(0);

  const hold = emulator.hold("VAEDecode");
  const events = new Events(await rest.get("/api/v1/events"));
  await rest.post("/api/v1/tasks", {
    tool: "generate_image",
    arguments: { prompt: "a wolf", width: 64, height: 64 },
  });
  const told = await events.until(
    "progress",
    ({ progress }: { progress: { seconds_left: number | null } }) => progress.seconds_left !== null,
  );
  hold.release();
  await events.close();

  const { progress } = told.data as { progress: { seconds_left: number } };
  expect(progress.seconds_left).toBeGreaterThanOrEqual(1);
});

function done(seconds: number, params: object = {}, cached?: true): Task {
  return {
    tool: "generate_image",
    workflow: "flux",
    state: "completed",
    params,
    startedAt: "2026-05-01T12:00:00.000Z",
    finishedAt: new Date(Date.parse("2026-05-01T12:00:00.000Z") + seconds * 1_000).toISOString(),
    runs: [{ ...(cached && { cached }) }],
  } as unknown as Task;
}

test("the usual time is the middle one of the newest, by the pixels of the picture", () => {
  const running = done(0, { width: 1024, height: 1024 });
  const tasks = { onWrote: () => () => undefined, atWork: () => running } as unknown as Tasks;
  const pace = new Pace(tasks);
  const size = { width: 512, height: 512 };
  expect(pace.secondsFor("generate_image", "flux")).toBeUndefined();

  for (let i = 0; i < 20; i += 1) pace.learn(done(90, size));
  pace.learn(done(0.1, size, true));
  for (const seconds of [10, 10, 10, 10, 10, 4, 500, 9, 11]) pace.learn(done(seconds, size));

  expect(pace.secondsFor("generate_image", "flux")).toBe(10);
  expect(pace.secondsFor("generate_image", "flux", 1024 * 1024)).toBe(40);
  expect(pace.secondsFor("img2img", "flux")).toBeUndefined();
  const left = (status: object, fraction = 0) =>
    pace.secondsLeft("t", { status, fraction, done: 0, count: 2 } as never);
  expect(left({ phase: "running", progress: {} }, 0.25)).toBe(60);
  expect(left({ phase: "queued", ahead: 3 })).toBe(80 + 3 * 10);
  expect(left({ phase: "queued" })).toBeUndefined();
  expect(left({ phase: "waiting" })).toBeUndefined();
});
