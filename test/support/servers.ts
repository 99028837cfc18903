import type { Emulator } from "../../src/emulator/emulator.ts";
import { Assistant } from "./assistant.ts";
import { startEmulator, tempDir } from "./world.ts";

export const small = { prompt: "p", width: 256, height: 256 };

/** Two server processes on one data folder, as two clients on one desk start them. */
export async function serverPair() {
  const emulator = await startEmulator();
  const args = ["--comfyui-url", emulator.url, "--data-dir", await tempDir()];
  const [one, two] = await Promise.all([Assistant.start(args), Assistant.start(args)]);
  return { emulator, args, one, two };
}

/** How many prompts ComfyUI was sent. */
export function promptPosts(emulator: Emulator): number {
  return emulator.requests.filter(
    ({ method, path }) => method === "POST" && path.endsWith("/prompt"),
  ).length;
}
