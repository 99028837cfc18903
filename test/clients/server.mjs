import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const cli = path.resolve(import.meta.dirname, "../../dist/cli.js");

/** The command of a server with the embedded emulator and a data folder of its own. */
export function demoServer(options = []) {
  const dir = mkdtempSync(path.join(os.tmpdir(), "comfy-easel-clients-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  // The server always runs on the Node that its users have, whatever a client needs.
  const command = process.env.SERVER_NODE ?? process.execPath;
  const args = [cli, "--demo", "--data-dir", dir, "--log-level", "error", ...options];
  return { command, args };
}

export const prompt = "a fox in the snow";
export const generate = { name: "generate_image", args: { prompt, width: 512, height: 512 } };
