import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { bind } from "../src/workflows/bind.ts";
import { loadCatalog } from "../src/workflows/catalog.ts";
import { BareClient } from "./bare-client.ts";
import { decodeAndEncode } from "./bare-picture.ts";
import { startEmulatorProcess } from "./emulator-process.ts";
import { median, spread, timed } from "./figures.ts";

const rounds = 40;
const warmUp = 10;
/** Models that paint this size as it is asked, so that both clients have the same painted. */
const paintsAsAsked = {
  512: "v1-5-pruned-emaonly-fp16.safetensors",
  1024: "sd_xl_base_1.0.safetensors",
} as const;
const root = path.resolve(import.meta.dirname, "..");

/**
 * What a `generate_image` call over stdio costs beyond a bare HTTP and WebSocket client that does
 * the same against the same zero-duration emulator and then decodes the picture and encodes a
 * preview of it, once each.
 */
export async function overhead(dir: string): Promise<void> {
  for (const [side, model] of Object.entries(paintsAsAsked)) {
    await overheadOf(Number(side), model, path.join(dir, `overhead-${side}`));
  }
}

async function overheadOf(side: number, model: string, dir: string): Promise<void> {
  const emulator = await startEmulatorProcess();
  const bare = new BareClient(emulator.url);
  await bare.open();
  const { catalog } = await loadCatalog([{ dir: path.join(root, "workflows"), trusted: true }]);
  const workflow = catalog.get("generate_image", "checkpoint");
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [path.join(root, "dist/cli.js"), "--comfyui-url", emulator.url, "--data-dir", dir],
      stderr: "ignore",
    }),
  );
  const direct: number[] = [];
  const easel: number[] = [];
  for (let i = 0; i < rounds + warmUp; i += 1) {
    const values = { prompt: "bench", width: side, height: side };
    const bareMs = await timed(async () => {
      const choices = { "4.ckpt_name": model };
      const bytes = await bare.run(bind(workflow, { ...values, seed: 2 * i }, choices));
      await decodeAndEncode(bytes, side);
    });
    const easelMs = await timed(async () => {
      const result = await client.callTool({
        name: "generate_image",
        arguments: { ...values, seed: 2 * i + 1, workflow: "checkpoint", model },
      });
      if (result.isError) throw new Error(JSON.stringify(result.content));
    });
    if (i < warmUp) continue;
    direct.push(bareMs);
    easel.push(easelMs);
  }
  const [a, b] = [median(direct), median(easel)];
  console.log(
    `generate_image ${side}x${side} over stdio, median of ${rounds}: ${b.toFixed(1)} ms; bare client with one decode and one encode ${a.toFixed(1)} ms; ` +
      `ratio ${(b / a).toFixed(2)}, difference ${(b - a).toFixed(1)} ms ` +
      `(middle half: ${spread(easel)} and ${spread(direct)})`,
  );
  await client.close();
  bare.close();
  await emulator.close();
}
