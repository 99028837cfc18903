import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { createLog } from "../src/log.ts";
import { openPostgres } from "../src/tasks/store/postgres.ts";
import { openSqlite } from "../src/tasks/store/sqlite.ts";
import type { TaskStore } from "../src/tasks/store/store.ts";
import { noPostgres, Postgres } from "../test/support/postgres.ts";
import { emptyRecipe, record } from "../test/support/record.ts";
import { median, spread, timed } from "./figures.ts";
import { comparePages } from "./store.ts";

const single = 100;
const together = 1_000;
const log = createLog("error");

/** A PostgreSQL that flushes what it writes, for as long as the work lasts. */
export async function withPostgres(
  dir: string,
  work: (postgres: Postgres) => Promise<void>,
): Promise<void> {
  if (noPostgres) return console.log(`PostgreSQL: left out, ${noPostgres}`);
  // It runs as another user, who must come that far.
  chmodSync(dir, 0o711);
  const home = path.join(dir, "pg");
  mkdirSync(home, { recursive: true });
  const postgres = new Postgres(home, { durable: true });
  await postgres.start();
  try {
    await work(postgres);
  } finally {
    const pidFile = path.join(home, "data", "postmaster.pid");
    const [pid] = (await readFile(pidFile, "utf8")).split("\n");
    process.kill(Number(pid), "SIGINT");
    while (existsSync(pidFile)) await delay(50);
  }
}

/** What a task costs in PostgreSQL and in SQLite, alone and many at once; pages of 50 out of a million. */
export function postgres(dir: string): Promise<void> {
  return withPostgres(dir, async (server) => {
    const one = await openPostgres(await server.database(), log);
    const two = await openSqlite(path.join(dir, "against", "tasks.sqlite"));
    await perTask(one, two);
    await one.close();
    await two.close();
    await pages(server);
  });
}

/** Stored, begun and ended: three writes. */
async function oneTask(store: TaskStore): Promise<void> {
  const task = record({ params: { prompt: "p".repeat(700) } });
  await store.insert(task, emptyRecipe);
  await store.update({ ...task, state: "running" });
  await store.update({ ...task, state: "completed", resultBytes: 1_000_000 });
}

async function perTask(one: TaskStore, two: TaskStore): Promise<void> {
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < single; i += 1) {
    times[0].push(await timed(() => oneTask(one)));
    times[1].push(await timed(() => oneTask(two)));
  }
  const [a, b] = [median(times[0]), median(times[1])];
  console.log(
    `a task stored, begun and ended, alone: PostgreSQL ${a.toFixed(1)} ms, SQLite ${b.toFixed(1)} ms, ratio ${(a / b).toFixed(2)} ` +
      `(middle half: ${spread(times[0])} and ${spread(times[1])})`,
  );
  const many = (store: TaskStore) =>
    timed(() => Promise.all(Array.from({ length: together }, () => oneTask(store))));
  const [c, d] = [await many(one), await many(two)];
  console.log(
    `${together} of them at once: PostgreSQL ${(c / together).toFixed(2)} ms each, SQLite ${(d / together).toFixed(2)} ms each, ratio ${(c / d).toFixed(2)}`,
  );
}

async function pages(server: Postgres): Promise<void> {
  const small = await filled(await server.database(), 1_000);
  const large = await filled(await server.database(), 1_000_000);
  await comparePages("PostgreSQL, page of 50", small, large);
  const { tasks } = await large.list({}, 20);
  const gets: number[] = [];
  for (const { id } of tasks) gets.push(await timed(() => large.get(id)));
  console.log(`PostgreSQL with 1M on record: one record ${median(gets).toFixed(2)} ms`);
  await small.close();
  await large.close();
}

/** Records of about 1 KB each, one a second, written by PostgreSQL itself. */
async function filled(url: string, count: number): Promise<TaskStore> {
  const store = await openPostgres(url, log);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("SET search_path = comfy_easel; SET synchronous_commit = off");
  await client.query(
    `INSERT INTO tasks(key, value) SELECT 't' || lpad(i::text, 16, '0'), json_build_object('value', json_build_object(
       'id', 't' || lpad(i::text, 16, '0'),
       'tool', CASE i % 3 WHEN 0 THEN 'img2img' ELSE 'generate_image' END,
       'state', CASE i % 10 WHEN 0 THEN 'failed' ELSE 'completed' END,
       'createdAt', to_char(to_timestamp(1577836800 + i) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"'),
       'params', json_build_object('prompt', repeat('p', 700)),
       'inputs', '{}'::json, 'runs', '[]'::json, 'warnings', '[]'::json))::text
     FROM generate_series(0, ${count - 1}) AS i`,
  );
  await client.query("ANALYZE tasks");
  await client.end();
  return store;
}
