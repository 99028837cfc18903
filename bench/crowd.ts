import { randomUUID } from "node:crypto";
import path from "node:path";
import { type App, createApp } from "../src/app.ts";
import { Backend } from "../src/comfy/backend.ts";
import type { Graph } from "../src/comfy/protocol.ts";
import { parseTarget } from "../src/comfy/target.ts";
import { readConfig } from "../src/config.ts";
import { Emulator } from "../src/emulator/emulator.ts";
import { createLog } from "../src/log.ts";
import { ownerOf } from "../src/studio/caller.ts";
import { openTaskStore } from "../src/tasks/store/open.ts";
import { bind } from "../src/workflows/bind.ts";
import { emptyRecipe, record } from "../test/support/record.ts";
import { BareClient } from "./bare-client.ts";
import { decodeAndEncode } from "./bare-picture.ts";
import { startEmulatorProcess } from "./emulator-process.ts";
import { timed } from "./figures.ts";

const inFlight = 1_000;
const unfinished = 10_000;
/** It paints this size as it is asked, so that both clients have the same painted. */
const model = "v1-5-pruned-emaonly-fp16.safetensors";
const size = { width: 512, height: 512, steps: 1 };

/**
 * A thousand tasks at once, against a bare client with a thousand prompts at once that decodes each
 * picture and encodes a preview. CPU time is this process's; the emulator has one of its own.
 */
export async function throughput(dir: string): Promise<void> {
  const emulator = await startEmulatorProcess();
  const app = await startApp(emulator.url, path.join(dir, "throughput"));
  const workflow = app.catalog.get("generate_image", "checkpoint");
  const bare = new BareClient(emulator.url);
  await bare.open();
  const choices = { "4.ckpt_name": model };
  const bareCost = await cost(() =>
    Promise.all(
      Array.from({ length: inFlight }, async (_, seed) => {
        const graph = bind(workflow, { prompt: "bare", ...size, seed }, choices);
        await decodeAndEncode(await bare.run(graph), size.width);
      }),
    ),
  );
  const studio = app.studio(ownerOf({ roots: [] }));
  const easelCost = await cost(async () => {
    const tasks = await Promise.all(
      Array.from({ length: inFlight }, (_, seed) =>
        studio.submit("generate_image", {
          workflow: "checkpoint",
          model,
          seed,
          parameters: { prompt: "easel", ...size },
        }),
      ),
    );
    const ended = await Promise.all(tasks.map(({ id }) => studio.wait(id, 3_600_000)));
    const wrong = ended.filter((task) => task.state !== "completed").length;
    if (wrong > 0) throw new Error(`${wrong} tasks did not complete`);
  });
  console.log(
    `${inFlight} tasks in flight: ${each(easelCost.cpuMs)} of CPU a picture, bare client with one decode and one encode ${each(bareCost.cpuMs)}; ` +
      `ratio ${(easelCost.cpuMs / bareCost.cpuMs).toFixed(2)}; ${perSecond(inFlight, easelCost.ms)} against ${perSecond(inFlight, bareCost.ms)}`,
  );
  bare.close();
  await app.close();
  await emulator.close();
}

async function cost(work: () => Promise<unknown>): Promise<{ ms: number; cpuMs: number }> {
  const before = process.cpuUsage();
  const ms = await timed(work);
  const { user, system } = process.cpuUsage(before);
  return { ms, cpuMs: (user + system) / 1000 };
}

function each(cpuMs: number): string {
  return `${(cpuMs / inFlight).toFixed(1)} ms`;
}

/**
 * Ten thousand tasks that another process left in ComfyUI's queue: claimed from the store, looked
 * up, and followed again.
 */
export async function recovery(dir: string): Promise<void> {
  const emulator = await Emulator.start();
  emulator.faults.neverStart = true;
  const log = createLog("warn");
  const store = await openTaskStore(path.join(dir, "recovery"), log);
  const backend = new Backend(parseTarget(emulator.url), log);
  await backend.ready();
  const graph: Graph = {
    "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "bench" } },
  };
  for (let i = 0; i < unfinished; i += 1) {
    const promptId = randomUUID();
    await backend.client.queuePrompt({ prompt: graph, prompt_id: promptId });
    const run = { promptId, state: "queued" as const, images: [] };
    await store.insert(record({ runs: [run] }), emptyRecipe);
  }
  const oneByOneMs = await timed(async () => {
    const { tasks } = await store.list({}, unfinished);
    for (const { runs } of tasks) await backend.client.job(String(runs[0]?.promptId));
  });
  const recoveryMs = await timed(async () => {
    await store.beat({ id: "bench", host: "bench", pid: 0 }, 10_000);
    const tasks = await store.claim(
      "bench",
      () => true,
      unfinished,
      async () => {},
    );
    await Promise.all(
      tasks.map(
        ({ runs }) =>
          new Promise<void>((followed) => {
            backend
              .run({
                promptId: String(runs[0]?.promptId),
                graph,
                outputs: [],
                signal: new AbortController().signal,
                resume: true,
                onStatus: () => {},
                onPosted: followed,
              })
              .catch(() => {});
          }),
      ),
    );
  });
  const listings = emulator.requests.filter(({ path: route }) => route === "/api/jobs").length;
  console.log(
    `recovery of ${unfinished} tasks: ${(recoveryMs / 1000).toFixed(2)} s from ${listings} listings; ` +
      `asking for them one by one: ${(oneByOneMs / 1000).toFixed(2)} s, ratio ${(recoveryMs / oneByOneMs).toFixed(2)}`,
  );
  await backend.close();
  await store.close();
  await emulator.close();
}

function startApp(url: string, dataDir: string): Promise<App> {
  const config = readConfig({ "data-dir": [dataDir] }, {});
  return createApp({ ...config, comfyuis: [parseTarget(url)] }, createLog("warn"));
}

function perSecond(count: number, ms: number): string {
  return `${((count / ms) * 1000).toFixed(0)}/s`;
}
