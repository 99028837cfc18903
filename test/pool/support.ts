import type { Config } from "../../src/config.ts";
import type { Emulator, EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { Studio } from "../../src/studio/studio.ts";
import type { Task } from "../../src/tasks/task.ts";
import type { TaskRequest } from "../../src/workflows/request.ts";
import { startApp, startEmulator, type World } from "../support/world.ts";

export const model = "v1-5-pruned-emaonly-fp16.safetensors";

export interface PoolWorld extends World {
  emulators: Emulator[];
  studio: Studio;
}

/** An app over several ComfyUIs of one kind. */
export async function startPool(
  count: number,
  config: Partial<Config> = {},
  options: EmulatorOptions = {},
): Promise<PoolWorld> {
  const emulators = await Promise.all(
    Array.from({ length: count }, () =>
      startEmulator({ models: { checkpoints: [model] }, ...options }),
    ),
  );
  const world = await startApp(
    emulators.map(({ url }) => url),
    { handOver: "few", ...config },
  );
  return { ...world, emulators, studio: world.deps.studio };
}

/** A small picture, or several. */
export function asked(count = 1, prompt = "p"): TaskRequest {
  return {
    workflow: "checkpoint",
    count,
    parameters: { prompt, width: 128, height: 128, steps: 1 },
  };
}

export function submit(studio: Studio, count = 1, prompt = "p", priority?: number): Promise<Task> {
  return studio.submit("generate_image", asked(count, prompt), { priority });
}

/** How many prompts each was sent. */
export function sent(emulators: readonly Emulator[]): number[] {
  return emulators.map(
    ({ requests }) =>
      requests.filter(({ method, path }) => method === "POST" && path.endsWith("/prompt")).length,
  );
}

/** The prompts' texts in the order in which they were sent to a ComfyUI. */
export function texts({ requests }: Emulator): string[] {
  return requests
    .filter(({ method, path }) => method === "POST" && path.endsWith("/prompt"))
    .map(({ body }) => /"text":"([^"]*)"/.exec(JSON.stringify(body))?.[1] ?? "");
}

export function made(emulators: readonly Emulator[]): number {
  return emulators.reduce((sum, emulator) => sum + emulator.outputFiles().length, 0);
}
