import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { backends } from "./backends.ts";
import { coldStart } from "./cold-start.ts";
import { recovery, throughput } from "./crowd.ts";
import { http } from "./http.ts";
import { memory } from "./memory.ts";
import { overhead } from "./overhead.ts";
import { pictures } from "./pictures.ts";
import { pool } from "./pool.ts";
import { postgres } from "./postgres.ts";
import { replicas } from "./replicas.ts";
import { search } from "./search.ts";
import { pages } from "./store.ts";

/**
 * Prints one line a figure; each is a ratio against something measured in the same run.
 * `npm run bench -- pages recovery` runs only those.
 */
const benches = {
  coldStart,
  pictures,
  overhead,
  pages,
  search,
  recovery,
  throughput,
  memory,
  http,
  backends,
  pool,
  postgres,
  replicas,
};
const wanted = process.argv.slice(2);
const dir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-bench-"));
try {
  console.log(`Node ${process.version}, ${os.cpus().length} x ${os.cpus()[0]?.model ?? "CPU"}`);
  for (const [name, bench] of Object.entries(benches)) {
    if (wanted.length === 0 || wanted.includes(name)) await bench(dir);
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
