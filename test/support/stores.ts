import path from "node:path";
import pg from "pg";
import { inject, onTestFinished } from "vitest";
import { MemoryTaskStore } from "../../src/tasks/store/memory.ts";
import { loadNodeSqlite } from "../../src/tasks/store/node-sqlite.ts";
import { openPostgres } from "../../src/tasks/store/postgres.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import type { TaskStore } from "../../src/tasks/store/store.ts";
import { noPostgres, Postgres } from "./postgres.ts";
import { quietLog, tempDir } from "./world.ts";

/** One way in which tasks are kept. */
export interface StoreKind {
  name: string;
  /** Why it cannot be tested here. */
  missing?: string | undefined;
  /** Empty records; each call of what is returned opens them once more, as another server does. */
  fresh(): Promise<() => Promise<TaskStore>>;
}

function closed(store: TaskStore): TaskStore {
  onTestFinished(() => store.close());
  return store;
}

const sqlite: StoreKind = {
  name: "SQLite",
  async fresh() {
    const file = path.join(await tempDir(), "tasks.sqlite");
    return async () => closed(await openSqlite(file));
  },
};

const builtIn: StoreKind = {
  name: "SQLite of Node",
  missing: loadNodeSqlite() ? undefined : "Node has a SQLite of its own since 22.13",
  async fresh() {
    const file = path.join(await tempDir(), "tasks.sqlite");
    return async () => closed(await openSqlite(file, { builtIn: true }));
  },
};

let database: Promise<string> | undefined;

/** The address of an empty database, the same for all tests of a process. */
export async function freshDatabase(): Promise<string> {
  database ??= new Postgres(inject("postgresDir")).database();
  const url = await database;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(
    "SELECT string_agg(schemaname || '.' || tablename, ', ') AS names FROM pg_tables WHERE schemaname = 'comfy_easel' AND tablename <> 'version'",
  );
  if (rows[0].names) await client.query(`TRUNCATE ${rows[0].names}`);
  await client.end();
  return url;
}

const postgres: StoreKind = {
  name: "PostgreSQL",
  missing: noPostgres,
  async fresh() {
    const url = await freshDatabase();
    return async () => closed(await openPostgres(url, quietLog(), { connections: 4 }));
  },
};

const memory: StoreKind = {
  name: "memory",
  async fresh() {
    return async () => closed(new MemoryTaskStore("for a test"));
  },
};

/** Those that several servers can share. */
export const sharedKinds: readonly StoreKind[] = [sqlite, builtIn, postgres];
export const storeKinds: readonly StoreKind[] = [...sharedKinds, memory];
