import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { Emulator } from "../src/emulator/emulator.ts";
import { bind } from "../src/workflows/bind.ts";
import { loadCatalog } from "../src/workflows/catalog.ts";
import { BareClient } from "./bare-client.ts";
import { median, spread, timed } from "./figures.ts";

const rounds = 60;
const warmUp = 10;
const root = path.resolve(import.meta.dirname, "..");

/**
 * What a `generate_image` call over stdio costs beyond a bare HTTP and WebSocket client doing the
 * same against the same zero-duration emulator: one 256 x 256 picture, round about.
 */
export async function overhead(dir: string): Promise<void> {
  const emulator = await Emulator.start();
  const bare = new BareClient(emulator.url);
  await bare.open();
  const { catalog } = await loadCatalog([{ dir: path.join(root, "workflows"), trusted: true }]);
  const workflow = catalog.get("generate_image", "checkpoint");
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [path.join(root, "dist/cli.js"), "--comfyui-url", emulator.url, "--data-dir", dir],
      stderr: "inherit",
    }),
  );
  const direct: number[] = [];
  const easel: number[] = [];
  for (let i = 0; i < rounds + warmUp; i += 1) {
    const values = { prompt: "bench", width: 512, height: 512 };
    const bareMs = await timed(() => bare.run(bind(workflow, { ...values, seed: 2 * i }, {})));
    const easelMs = await timed(async () => {
      const result = await client.callTool({
        name: "generate_image",
        arguments: { ...values, seed: 2 * i + 1, workflow: "checkpoint" },
      });
      if (result.isError) throw new Error(JSON.stringify(result.content));
    });
    if (i < warmUp) continue;
    direct.push(bareMs);
    easel.push(easelMs);
  }
  const [a, b] = [median(direct), median(easel)];
  console.log(
    `generate_image over stdio, median of ${rounds}: ${b.toFixed(1)} ms; bare client ${a.toFixed(1)} ms; ` +
      `ratio ${(b / a).toFixed(2)}, difference ${(b - a).toFixed(1)} ms ` +
      `(middle half: ${spread(easel)} and ${spread(direct)})`,
  );
  await client.close();
  bare.close();
  await emulator.close();
}
