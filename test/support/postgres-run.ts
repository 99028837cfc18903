import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder for the one PostgreSQL of a run, which whoever needs it first starts there. */
    postgresDir: string;
  }
}

/** Waits for the end of the run, however it comes, then ends the PostgreSQL if there is one. */
const janitor = `cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
[ -n "$pid" ] && kill -QUIT "$pid" && while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
rm -rf "$1"`;

/** One folder for the PostgreSQL of a run, which does not outlive it. */
export async function setup(project: TestProject) {
  const dir = await mkdtemp(path.join(os.tmpdir(), "easel-pg-"));
  project.provide("postgresDir", dir);
  // In a session of its own: an interrupt of the tests is not for it.
  const child = spawn("sh", ["-c", janitor, "sh", dir], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  return async () => {
    const exited = once(child, "exit");
    child.stdin.end();
    await exited;
  };
}
