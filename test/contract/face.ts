import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { openHttp } from "../support/http.ts";
import { openApp } from "../support/world.ts";

interface Face {
  url: string;
  close(): Promise<void>;
}

const faces = new Map<string, Promise<Face>>();

/**
 * Where our own face answers as the ComfyUI behind it, an emulator. The tests of a file share it, as
 * they would a real ComfyUI.
 */
export async function faceUrl(options: EmulatorOptions): Promise<string> {
  const key = JSON.stringify(options);
  const face = faces.get(key) ?? startFace(options);
  faces.set(key, face);
  return (await face).url;
}

export async function closeFaces(): Promise<void> {
  const open = await Promise.all(faces.values());
  faces.clear();
  for (const face of open) await face.close();
}

async function startFace(options: EmulatorOptions): Promise<Face> {
  const emulator = await Emulator.start(options);
  const dataDir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-test-"));
  const world = await openApp(emulator.url, dataDir);
  const server = await openHttp(world, { ownPorts: { comfyuiPort: 0 } });
  return {
    url: server.own.comfyuiPort ?? "",
    async close() {
      await server.close();
      await world.app.close();
      await emulator.close();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
