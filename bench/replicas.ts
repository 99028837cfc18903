import path from "node:path";
import { type App, createApp } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import { createLog } from "../src/log.ts";
import { ownerOf } from "../src/studio/caller.ts";
import type { Studio } from "../src/studio/studio.ts";
import { startEmulatorProcess } from "./emulator-process.ts";
import { median } from "./figures.ts";
import { withPostgres } from "./postgres.ts";

const tasks = 6;
const stepMs = 250;
const steps = 12;

/** How long after the server that works on a task another one shows its previews, to a reader without spacing. */
export function replicas(dir: string): Promise<void> {
  return withPostgres(dir, async (server) => {
    const url = await server.database();
    const emulator = await startEmulatorProcess(["--step-ms", String(stepMs)]);
    const apps = await Promise.all(
      [1, 2].map((at) => {
        const own = { "data-dir": [path.join(dir, `replica${at}`)], "comfyui-url": [emulator.url] };
        const config = readConfig({ ...own, "database-url": [url], "log-level": ["error"] }, {});
        return createApp(config, createLog("error"));
      }),
    );
    const [near, far] = apps.map((app: App) => app.studio(ownerOf({ roots: [] }))) as [
      Studio,
      Studio,
    ];
    const late: number[] = [];
    let shown = 0;
    for (let i = 0; i < tasks; i += 1) {
      const parameters = { prompt: `p${i}`, width: 512, height: 512, steps };
      const { id } = await near.submit("generate_image", { parameters }, { previews: true });
      const [here, there] = await Promise.all([previews(near, id), previews(far, id)]);
      shown += here.size;
      for (const [frame, at] of there) late.push(at - (here.get(frame) ?? Number.NaN));
    }
    console.log(
      `previews through another replica, one each ${stepMs} ms: ${late.length} of ${shown} seen, ${median(late).toFixed(0)} ms after the first one's, ` +
        `at most ${Math.max(...late).toFixed(0)} ms`,
    );
    for (const app of apps) await app.close();
    await emulator.close();
  });
}

/** When each preview came, by its bytes. */
async function previews(studio: Studio, id: string): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  for await (const event of studio.events(id, { previews: true, everyMs: 0 })) {
    if (event.kind !== "preview") continue;
    const frame = event.preview.bytes.toString("base64");
    if (!seen.has(frame)) seen.set(frame, performance.now());
  }
  return seen;
}
