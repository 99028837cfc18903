import { chmodSync } from "node:fs";
import path from "node:path";
import type { KeyvSqlite } from "@keyv/sqlite";
import Keyv from "keyv";
import { AppError, messageOf } from "../../errors.ts";
import { makeFolder } from "../../files/make-folder.ts";
import type { Task } from "../task.ts";
import { sqliteDialect } from "./dialect.ts";
import { loadKeyvSqlite } from "./native.ts";
import { loadNodeSqlite, NodeSqlite } from "./node-sqlite.ts";
import { SqlTaskStore } from "./sql.ts";
import { migrate } from "./sqlite-schema.ts";

/** Another server on the same data folder may be writing; wait this long for it. */
const defaultBusyMs = 5_000;

export interface SqliteOptions {
  notice?: string | undefined;
  /** How long a locked database is waited for. @default 5_000 */
  busyMs?: number | undefined;
  /** Node's own SQLite, even where the compiled module is there. @default false */
  builtIn?: boolean | undefined;
}

/** Opens or makes the database. Rejects with what SQLite says; see `openTaskStore`. */
export async function openSqlite(file: string, options: SqliteOptions = {}): Promise<SqlTaskStore> {
  // It holds prompts and the secrets of webhooks.
  await makeFolder(path.dirname(file), 0o700);
  const sqlite = connect(file, options);
  sqlite.on("error", () => {
    // The same error rejects the query that meets it.
  });
  try {
    await sqlite.query("PRAGMA journal_mode = WAL");
    // A power cut must not forget an id that was handed out.
    await sqlite.query("PRAGMA synchronous = FULL");
    await migrate((sql, ...values) => sqlite.query(sql, ...values));
    // A database that can be read but not written would fail at the first task only.
    await sqlite.query("DELETE FROM leases WHERE until < 0");
    for (const suffix of ["", "-wal", "-shm"]) chmodSync(file + suffix, 0o600);
  } catch (error) {
    await sqlite.close().catch(() => {});
    throw error;
  }
  return storeOn(file, sqlite, options.notice);
}

/**
 * Keyv's own store where its compiled module can be loaded, or else Node's SQLite over the same
 * table. Throws `storage` where there is neither.
 */
function connect(
  file: string,
  { busyMs = defaultBusyMs, builtIn = false }: SqliteOptions,
): KeyvSqlite | NodeSqlite {
  const table = "tasks";
  const compiled = builtIn ? undefined : loadKeyvSqlite();
  if (compiled && !(compiled instanceof AppError)) {
    const { KeyvSqlite } = compiled;
    return new KeyvSqlite({ uri: `sqlite://${file}`, table, busyTimeout: busyMs });
  }
  const ofNode = loadNodeSqlite();
  if (ofNode) return new NodeSqlite(ofNode, file, table, busyMs);
  throw compiled ?? new AppError("storage", "this Node has no SQLite of its own.");
}

function storeOn(
  file: string,
  sqlite: KeyvSqlite | NodeSqlite,
  notice: string | undefined,
): SqlTaskStore {
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw new AppError("storage", storageMessage(file, error), { cause: error });
    }
  };
  const keyv = new Keyv<Task>({
    store: sqlite,
    namespace: "task",
    useKeyPrefix: false,
    throwOnErrors: true,
  });
  keyv.on("error", () => {
    // Thrown to the caller as well.
  });
  let closed = false;
  return new SqlTaskStore({
    keyv,
    guard,
    query: (sql, ...values) => guard(sqlite.query(sql, ...values)),
    dialect: sqliteDialect,
    notice,
    async close() {
      if (closed) return;
      closed = true;
      await keyv.disconnect();
    },
  });
}

/** What is wrong with a task database and what to do, in words. */
export function storageMessage(file: string, error: unknown): string {
  if (error instanceof AppError)
    return `The task database ${file} cannot be used: ${error.message}`;
  return `The task database ${file} cannot be used: ${messageOf(error)}. Check that the folder is writable and the disk is not full, or choose another with --data-dir (EASEL_DATA_DIR).`;
}
