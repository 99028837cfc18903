import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder for the one PostgreSQL of a run, which whoever needs it first starts there. */
    postgresDir: string;
  }
}

/** Ends the PostgreSQL of a run, if a test has started it. */
export async function setup(project: TestProject) {
  const dir = await mkdtemp(path.join(os.tmpdir(), "easel-pg-"));
  project.provide("postgresDir", dir);
  return async () => {
    const pidFile = path.join(dir, "data", "postmaster.pid");
    if (existsSync(pidFile)) {
      const [pid] = (await readFile(pidFile, "utf8")).split("\n");
      process.kill(Number(pid), "SIGQUIT");
    }
    await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
}
