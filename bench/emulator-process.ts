import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

const cli = path.resolve(import.meta.dirname, "../dist/cli.js");

export interface EmulatorProcess {
  url: string;
  close(): Promise<void>;
}

/** An emulator, without `more` one of zero duration, that takes none of this process's time. */
export async function startEmulatorProcess(more: readonly string[] = []): Promise<EmulatorProcess> {
  const child = spawn(process.execPath, [cli, "emulator", "--port", "0", ...more], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [url] = await once(createInterface({ input: child.stdout }), "line");
  return {
    url: String(url),
    async close() {
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}
