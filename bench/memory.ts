import { execFileSync } from "node:child_process";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import sharp from "sharp";
import { startEmulatorProcess } from "./emulator-process.ts";

const pictures = 1_000;
const perCall = 20;
const root = path.resolve(import.meta.dirname, "..");
const cli = path.join(root, "dist/cli.js");

/** Resident memory of the server before and after a thousand large pictures went through it. */
export async function memory(dir: string): Promise<void> {
  const emulator = await startEmulatorProcess();
  await uploadNoise(emulator.url);
  const workflows = await noiseWorkflow(path.join(dir, "workflows"));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [
      cli,
      ...["--comfyui-url", emulator.url, "--data-dir", path.join(dir, "memory")],
      ...["--workflows-dir", workflows, "--log-level", "error"],
    ],
    stderr: "inherit",
  });
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(transport);
  const make = async (seed: number) => {
    const result = await client.callTool(
      {
        name: "noise",
        arguments: { seed, count: perCall, wait_seconds: 600 },
      },
      undefined,
      { timeout: 600_000 },
    );
    if (result.isError) throw new Error(JSON.stringify(result.content));
  };
  await make(0);
  const before = residentMb(transport.pid);
  for (let i = 1; i <= pictures / perCall; i += 1) await make(i * perCall);
  const after = residentMb(transport.pid);
  const kept = await pictureSizes(path.join(dir, "memory", "images"));
  if (kept.length < pictures) throw new Error(`Only ${kept.length} pictures were kept.`);
  const each = kept.reduce((sum, size) => sum + size, 0) / kept.length / 1024 / 1024;
  console.log(
    `resident memory: ${before.toFixed(0)} MB after ${perCall} pictures, ${after.toFixed(0)} MB after ${pictures} more ` +
      `of ${each.toFixed(1)} MB each, ratio ${(after / before).toFixed(2)}`,
  );
  await client.close();
  await emulator.close();
}

/** A picture of 4 MB that PNG cannot make smaller. */
async function uploadNoise(url: string): Promise<void> {
  const noise = { type: "gaussian" as const, mean: 128, sigma: 80 };
  const png = await sharp({
    create: { width: 1200, height: 1200, channels: 3, background: "grey", noise },
  })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const form = new FormData();
  form.set("image", new File([new Uint8Array(png)], "noise.png"));
  await fetch(`${url}/upload/image`, { method: "POST", body: form });
}

/** Its pictures are the noise with an edge of another width: different files, quickly made. */
async function noiseWorkflow(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const graph = {
    "1": { class_type: "LoadImage", inputs: { image: "noise.png" } },
    "2": {
      class_type: "ImagePadForOutpaint",
      inputs: { image: ["1", 0], left: 0, top: 0, right: 8, bottom: 8, feathering: 0 },
    },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "noise" } },
  };
  const binding = {
    tool: "noise",
    title: "Noise",
    description: "Noise.",
    parameters: { image: null, seed: { slots: ["2.feathering"], maximum: 16384 } },
    outputs: ["3"],
  };
  await writeFile(path.join(dir, "noise.json"), JSON.stringify(graph));
  await writeFile(path.join(dir, "noise.binding.json"), JSON.stringify(binding));
  return dir;
}

async function pictureSizes(dir: string): Promise<number[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.includes(".preview."));
  return Promise.all(
    files.map(async (file) => (await stat(path.join(file.parentPath, file.name))).size),
  );
}

function residentMb(pid: number | null): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)])) / 1024;
}
