import path from "node:path";
import { createApp } from "../src/app.ts";
import { parseTarget } from "../src/comfy/target.ts";
import { readConfig } from "../src/config.ts";
import { Emulator } from "../src/emulator/emulator.ts";
import { createLog } from "../src/log.ts";
import { ownerOf } from "../src/studio/caller.ts";
import { timed } from "./figures.ts";

const batch = 32;
const counts = [1, 2, 4];
/** One second a picture, in which the CPU has next to nothing to do. */
const steps = 4;
const timing = { stepMs: 250 };
const model = "v1-5-pruned-emaonly-fp16.safetensors";

/** A batch on two and on four ComfyUIs against one; each paints one picture a second. */
export async function backends(dir: string): Promise<void> {
  const times: number[] = [];
  for (const count of counts) times.push(await batchOn(count, path.join(dir, `backends-${count}`)));
  const [one = Number.NaN, ...others] = times;
  const ratios = others.map((ms, i) => `${counts[i + 1]} ComfyUIs ${(one / ms).toFixed(2)}`);
  console.log(
    `batch of ${batch} on several ComfyUIs, times as fast as on one: ${ratios.join(", ")} ` +
      `(${times.map((ms) => `${(ms / 1000).toFixed(2)} s`).join(", ")})`,
  );
}

async function batchOn(count: number, dataDir: string): Promise<number> {
  const emulators = await Promise.all(
    Array.from({ length: count }, () =>
      Emulator.start({ timing, models: { checkpoints: [model] } }),
    ),
  );
  const comfyuis = emulators.map(({ url }) => parseTarget(url));
  const config = readConfig({ "data-dir": [dataDir], "hand-over": ["few"] }, {});
  const app = await createApp({ ...config, comfyuis }, createLog("warn"));
  const studio = app.studio(ownerOf({ roots: [] }));
  const make = async (pictures: number) => {
    const { id } = await studio.submit("generate_image", {
      workflow: "checkpoint",
      count: pictures,
      parameters: { prompt: "bench", width: 64, height: 64, steps },
    });
    const { state } = await studio.wait(id, 3_600_000);
    if (state !== "completed") throw new Error(`the batch on ${count} is ${state}`);
  };
  // What is installed is read, and sockets are opened, before the clock starts.
  await make(count);
  const ms = await timed(() => make(batch));
  await app.close();
  await Promise.all(emulators.map((emulator) => emulator.stop()));
  return ms;
}
