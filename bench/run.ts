import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { overhead } from "./overhead.ts";

/** Prints one line a figure; each figure is a ratio against something measured in the same run. */
const dir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-bench-"));
try {
  console.log(`Node ${process.version}, ${os.cpus().length} x ${os.cpus()[0]?.model ?? "CPU"}`);
  await overhead(dir);
} finally {
  await rm(dir, { recursive: true, force: true });
}
