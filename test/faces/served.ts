import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { HttpServer } from "../../src/faces/http/serve.ts";
import type { HttpConfig } from "../../src/http-config.ts";
import type { Task } from "../../src/tasks/task.ts";
import { openHttp } from "../support/http.ts";
import { openApp, type World } from "../support/world.ts";

export interface Served {
  emulator: Emulator;
  world: World;
  server: HttpServer;
  /** The newest task on record. */
  newest(): Promise<Task>;
  /** The graph ComfyUI got for the first picture of a task. */
  graph(task: Task): Promise<Graph>;
}

/** One server for all tests of a file, which it outlives; what is returned is set before the first of them. */
export function served(http: Partial<HttpConfig> = {}, options: EmulatorOptions = {}): Served {
  // Tests read it after `beforeAll`.
  const served = {} as Served;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-test-"));
    const emulator = await Emulator.start(options);
    const world = await openApp(emulator.url, dataDir);
    const server = await openHttp(world, http);
    Object.assign(served, { emulator, world, server, newest, graph });

    async function newest(): Promise<Task> {
      const [task] = (await world.deps.studio.list({}, 1)).tasks;
      if (!task) throw new Error("there is no task");
      return task;
    }

    async function graph({ runs }: Task): Promise<Graph> {
      const id = runs[0]?.promptId ?? "";
      const answer = await fetch(`${emulator.url}/history/${id}`);
      const history = (await answer.json()) as Record<string, { prompt: unknown[] }>;
      return history[id]?.prompt[2] as Graph;
    }
  });
  afterAll(async () => {
    await served.server.close();
    await served.world.app.close();
    await served.emulator.close();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });
  return served;
}

/** A square of one colour; `hole`: its left half is transparent. */
export async function square(side: number, color: string, hole = false): Promise<Buffer> {
  const whole = sharp({ create: { width: side, height: side, channels: 4, background: color } });
  if (!hole) return whole.removeAlpha().png().toBuffer();
  const half = { width: side / 2, height: side, channels: 4 as const, background: "#000000" };
  const input = await sharp({ create: half }).png().toBuffer();
  return whole
    .composite([{ input, left: 0, top: 0, blend: "dest-out" }])
    .png()
    .toBuffer();
}
