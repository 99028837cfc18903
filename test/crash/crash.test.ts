import { existsSync, readdirSync, watch } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { Assistant } from "../support/assistant.ts";
import { Gate } from "../support/gate.ts";
import { pathsIn, startEmulator, taskIdIn, tempDir } from "../support/world.ts";

/**
 * The world is stopped at a named point of a call, something is killed there, and after a new
 * start the task must end as it would have. Points are reached by events, never by time.
 */

interface Stage {
  emulator: Emulator;
  gate: Gate;
  dataDir: string;
  /** A picture to work from. */
  input: string;
}

interface Point {
  name: string;
  tool?: "img2img";
  count?: number;
  /** Called before the call is made; the promise resolves when the point is reached. */
  arm(stage: Stage): { reached: Promise<unknown>; release(): void };
}

function held(emulator: Emulator, classType: string) {
  const hold = emulator.hold(classType);
  return { reached: hold.reached, release: () => hold.release() };
}

const prompts = /^\/api\/prompt/;
const views = /^\/api\/view/;
const uploads = /^\/api\/upload/;

const points: Point[] = [
  {
    name: "before an input is uploaded",
    tool: "img2img",
    arm: ({ gate }) => gate.hold("POST", uploads, "before"),
  },
  {
    name: "after an input is uploaded",
    tool: "img2img",
    arm: ({ gate }) => gate.hold("POST", uploads, "after"),
  },
  { name: "before the POST arrives", arm: ({ gate }) => gate.hold("POST", prompts, "before") },
  {
    name: "after the POST is accepted, before its answer",
    arm: ({ gate }) => gate.hold("POST", prompts, "after"),
  },
  {
    name: "between the first POST and the second",
    count: 3,
    arm: ({ gate }) => gate.hold("POST", prompts, "before", 1),
  },
  {
    name: "while the models load",
    arm: ({ emulator }) => held(emulator, "CheckpointLoaderSimple"),
  },
  { name: "while it samples", arm: ({ emulator }) => held(emulator, "KSampler") },
  { name: "while it decodes", arm: ({ emulator }) => held(emulator, "VAEDecode") },
  {
    name: "while others wait in the queue",
    count: 3,
    arm: ({ emulator }) => held(emulator, "KSampler"),
  },
  { name: "before the picture is asked for", arm: ({ gate }) => gate.hold("GET", views, "before") },
  { name: "before the picture is delivered", arm: ({ gate }) => gate.hold("GET", views, "after") },
  {
    name: "with the first picture of three stored",
    count: 3,
    arm: ({ gate }) => gate.hold("GET", views, "before", 1),
  },
  {
    name: "with all but the last picture stored",
    count: 3,
    arm: ({ gate }) => gate.hold("GET", views, "after", 2),
  },
  {
    name: "the moment the picture is on disk",
    arm: ({ dataDir }) => ({ reached: pictureOn(dataDir), release: () => {} }),
  },
];

/** Resolves when a finished picture has appeared, before its record can say so. */
async function pictureOn(dataDir: string): Promise<void> {
  const images = path.join(dataDir, "images");
  await mkdir(images, { recursive: true });
  await new Promise<void>((resolve) => {
    const watcher = watch(images, { recursive: true }, (_, name) => {
      if (!name?.endsWith(".png")) return;
      watcher.close();
      resolve();
    });
  });
}

async function setStage(): Promise<Stage> {
  const emulator = await startEmulator({ models: { checkpoints: ["sd_xl_base_1.0.safetensors"] } });
  const dataDir = await tempDir();
  const input = path.join(dataDir, "input.png");
  await sharp({ create: { width: 64, height: 64, channels: 3, background: "teal" } }).toFile(input);
  return { emulator, gate: await Gate.open(emulator.url), dataDir, input };
}

function serverArgs({ gate, dataDir }: Stage): string[] {
  return [
    "--comfyui-url",
    gate.url,
    "--data-dir",
    dataDir,
    "--input-roots",
    dataDir,
    "--log-level",
    "warn",
  ];
}

/** Each point has a seed of its own, so that nothing it paints is in ComfyUI's cache. */
const seedOf = (point: Point) => 1000 * (1 + points.indexOf(point));

async function begin(assistant: Assistant, point: Point, { input }: Stage): Promise<number> {
  const seed = seedOf(point);
  if (point.tool === "img2img") {
    // A picture that ComfyUI does not have yet.
    const background = { r: seed % 256, g: 80, b: 80 };
    await sharp({ create: { width: 64, height: 64, channels: 3, background } }).toFile(input);
    return assistant.begin("img2img", { prompt: "p", image: input, seed });
  }
  const { count = 1 } = point;
  return assistant.begin("generate_image", { prompt: "p", width: 64, height: 64, seed, count });
}

/** In a ComfyUI that has nothing loaded and nothing cached. */
async function arm(point: Point, stage: Stage) {
  await stage.emulator.restart();
  return point.arm(stage);
}

/** The newest task on record, brought to its end by a server. */
async function ending(assistant: Assistant, tasksOnRecord = 1): Promise<string> {
  const tasks = await assistant.tasks();
  expect(tasks).toHaveLength(tasksOnRecord);
  return (await assistant.call("task_status", { task_id: tasks[0]?.task_id })).text;
}

function expectWhole(text: string, firstSeed: number, count = 1): void {
  expect(text).toMatch(/^Done/);
  const files = pathsIn(text);
  expect(files.filter(existsSync)).toHaveLength(count);
  const seeds = [...text.matchAll(/seed (\d+)/g)].map((match) => Number(match[1]));
  expect(seeds).toEqual(Array.from({ length: count }, (_, i) => firstSeed + i));
}

function picturesIn({ dataDir }: Stage): number {
  const files = readdirSync(path.join(dataDir, "images"), { recursive: true, encoding: "utf8" });
  return files.filter((name) => name.endsWith(".png")).length;
}

/** Every point in one world after another, so that whoever came back is the next to be killed. */
describe.sequential("killed at each point of a call", { timeout: 600_000 }, () => {
  test("the server comes back to every picture, each made once", async () => {
    const stage = await setStage();
    let server = await Assistant.start(serverArgs(stage));
    let made = 0;
    for (const [i, point] of points.entries()) {
      const before = stage.emulator.outputFiles().length;
      const { reached, release } = await arm(point, stage);
      await begin(server, point, stage);
      await reached;
      await server.kill();
      release();

      server = await Assistant.start(serverArgs(stage));

      expectWhole(await ending(server, i + 1), seedOf(point), point.count);
      const count = point.count ?? 1;
      expect(stage.emulator.outputFiles().length - before, point.name).toBe(count);
      made += count;
      expect(picturesIn(stage), point.name).toBe(made);
    }
  });

  test("ComfyUI coming back empty is given the work again", async () => {
    const stage = await setStage();
    const assistant = await Assistant.start(serverArgs(stage));
    for (const point of points) {
      const { reached, release } = await arm(point, stage);
      const id = await begin(assistant, point, stage);
      await reached;
      const restarted = stage.emulator.restart();
      release();
      await restarted;

      expectWhole((await assistant.answer(id)).text, seedOf(point), point.count);
    }
  });

  test("both coming back end in every picture", async () => {
    const stage = await setStage();
    let server = await Assistant.start(serverArgs(stage));
    for (const [i, point] of points.entries()) {
      const { reached, release } = await arm(point, stage);
      await begin(server, point, stage);
      await reached;
      await Promise.all([server.kill(), stage.emulator.stop()]);
      release();
      await stage.emulator.restart();

      server = await Assistant.start(serverArgs(stage));

      expectWhole(await ending(server, i + 1), seedOf(point), point.count);
    }
  });
});

test("killed before a task was stored, nothing is on record and nothing runs", async () => {
  const stage = await setStage();
  const { reached, release } = stage.gate.hold("GET", /^\/api\/object_info/, "before");
  const first = await Assistant.start(serverArgs(stage));
  first.begin("generate_image", { prompt: "p" });
  await reached;
  await first.kill();
  release();

  const second = await Assistant.start(serverArgs(stage));

  expect(await second.tasks()).toEqual([]);
  expect(stage.emulator.requests.filter(({ path: route }) => prompts.test(route))).toEqual([]);
});

test("killed while ComfyUI is away, the task is taken up when both are back", async () => {
  const stage = await setStage();
  const { reached, release } = stage.gate.hold("POST", prompts, "before");
  const first = await Assistant.start(serverArgs(stage));
  first.begin("generate_image", { prompt: "p", width: 64, height: 64, seed: 40 });
  await reached;
  await stage.emulator.stop();
  await first.kill();
  release();

  const second = await Assistant.start(serverArgs(stage));
  const tasks = await second.tasks();
  const waiting = await second.call("task_status", {
    task_id: tasks[0]?.task_id,
    wait_seconds: 1,
  });
  expect(waiting.text).toMatch(/is queued: Waiting for ComfyUI since/);
  await stage.emulator.restart();

  expectWhole(await ending(second), 40);
});

test("a cancel while ComfyUI is away is carried out when it is back, also by the next server", async () => {
  const stage = await setStage();
  const hold = stage.emulator.hold("KSampler");
  const first = await Assistant.start(serverArgs(stage));
  const early = await first.call("generate_image", { prompt: "p", count: 3, wait_seconds: 0 });
  await hold.reached;
  await stage.emulator.stop();

  const asked = await first.call("cancel_task", { task_id: taskIdIn(early.text) });
  expect(asked.isError).toBe(false);
  expect(asked.text).toMatch(/will be stopped as soon as ComfyUI, which is away, is back/);
  await first.kill();
  hold.release();
  const second = await Assistant.start(serverArgs(stage));
  await stage.emulator.restart();

  expect(await ending(second)).toMatch(/^Cancelled/);
  expect(stage.emulator.outputFiles()).toEqual([]);
});

test("tasks can be deleted while ComfyUI is away", async () => {
  const stage = await setStage();
  const first = await Assistant.start(serverArgs(stage));
  await first.call("generate_image", { prompt: "done", width: 64, height: 64 });
  const hold = stage.emulator.hold("KSampler");
  await first.call("generate_image", { prompt: "open", wait_seconds: 0 });
  await hold.reached;
  await stage.emulator.stop();

  const deleted = await first.call("delete_tasks", { before: "2999-01-01" });

  expect(deleted.text).toMatch(/^Deleted 2 tasks and 1 image /);
  expect(await first.tasks()).toEqual([]);
});

test("killed in the middle of a cancel, the task ends cancelled or done, and the queue is empty", async () => {
  const stage = await setStage();
  const hold = stage.emulator.hold("KSampler");
  const first = await Assistant.start(serverArgs(stage));
  const early = await first.call("generate_image", { prompt: "p", wait_seconds: 0 });
  await hold.reached;
  const cancel = stage.gate.hold("POST", /\/cancel$/, "after");
  first.begin("cancel_task", { task_id: taskIdIn(early.text) });
  await cancel.reached;
  await first.kill();
  cancel.release();

  const second = await Assistant.start(serverArgs(stage));
  expect(await ending(second)).toMatch(/^Cancelled/);
  hold.release();
});

test("killed in the middle of a deletion, the next start ends it", async () => {
  const stage = await setStage();
  const first = await Assistant.start(serverArgs(stage));
  const made = await first.call("generate_image", {
    prompt: "p",
    width: 64,
    height: 64,
    count: 8,
  });
  const files = pathsIn(made.text);
  const removed = new Promise<void>((resolve) => {
    const watcher = watch(path.dirname(String(files[0])), () => {
      watcher.close();
      resolve();
    });
  });
  first.begin("delete_tasks", { task_ids: [taskIdIn(made.text)] });
  await removed;
  await first.kill();

  const second = await Assistant.start(serverArgs(stage));
  expect(await second.tasks()).toEqual([]);
  await expect.poll(() => files.some(existsSync)).toBe(false);
});
