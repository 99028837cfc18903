import { EventEmitter } from "node:events";
import { createRequire } from "node:module";

type Row = Record<string, unknown>;

/** As much of Node's own SQLite as is used here; the types of Node 20 have nothing of it. */
interface Database {
  prepare(sql: string): { all(...values: unknown[]): Row[] };
  close(): void;
}

interface NodeSqliteModule {
  DatabaseSync: new (file: string) => Database;
}

/** Node's own SQLite; undefined below Node 22.13, where it is behind a flag or missing. */
export function loadNodeSqlite(): NodeSqliteModule | undefined {
  try {
    return createRequire(import.meta.url)("node:sqlite");
  } catch {
    return undefined;
  }
}

/** SQLite's result codes that callers tell apart, by their last byte (sqlite.org/rescode.html). */
const codes: Readonly<Record<number, string>> = { 11: "SQLITE_CORRUPT", 26: "SQLITE_NOTADB" };

/**
 * A table for Keyv, as `@keyv/sqlite` makes it and over the same file, on Node's own SQLite. Each
 * statement holds up the process until it is on disk.
 */
export class NodeSqlite extends EventEmitter {
  readonly opts: Record<string, unknown>;
  namespace?: string | undefined;
  readonly #database: Database;
  readonly #table: string;

  /** @param busyMs how long a locked database is waited for */
  constructor({ DatabaseSync }: NodeSqliteModule, file: string, table: string, busyMs: number) {
    super();
    this.opts = { dialect: "sqlite", uri: `sqlite://${file}`, table };
    this.#table = table;
    this.#database = named(() => new DatabaseSync(file));
    try {
      this.#run(`PRAGMA busy_timeout = ${busyMs}`, []);
      this.#run(
        `CREATE TABLE IF NOT EXISTS ${table}(key VARCHAR(255) PRIMARY KEY, value TEXT )`,
        [],
      );
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  async query(sql: string, ...values: unknown[]): Promise<Row[]> {
    return this.#run(sql, values);
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    const [row] = this.#run(`SELECT value FROM ${this.#table} WHERE key = ?`, [key]);
    return row?.["value"] as Value | undefined;
  }

  async set(key: string, value: unknown): Promise<void> {
    this.#run(
      `INSERT INTO ${this.#table} (key, value) VALUES (?, ?)
       ON CONFLICT(key) DO UPDATE SET value = excluded.value`,
      [key, value],
    );
  }

  async delete(key: string): Promise<boolean> {
    const gone = this.#run(`DELETE FROM ${this.#table} WHERE key = ? RETURNING key`, [key]);
    return gone.length > 0;
  }

  async clear(): Promise<void> {
    this.#run(`DELETE FROM ${this.#table}`, []);
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  disconnect(): Promise<void> {
    return this.close();
  }

  #run(sql: string, values: readonly unknown[]): Row[] {
    const given = values.map((value) => {
      if (value === undefined) return null;
      return typeof value === "boolean" ? Number(value) : value;
    });
    return named(() => {
      const statement = this.#database.prepare(sql);
      // Node binds a list to `?` alone.
      if (!/\$\d/.test(sql)) return statement.all(...given);
      const used = given.map((value, i) => [`$${i + 1}`, value] as const);
      return statement.all(Object.fromEntries(used.filter(([name]) => usesName(sql, name))));
    });
  }
}

function usesName(sql: string, name: string): boolean {
  return new RegExp(`\\${name}(?!\\d)`).test(sql);
}

/** The error as `sqlite3` words it: the code's name, then what SQLite says. */
function named<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = codes[Number(Object(error).errcode) & 0xff];
    if (code === undefined || !(error instanceof Error)) throw error;
    throw new Error(`${code}: ${error.message}`, { cause: error });
  }
}
