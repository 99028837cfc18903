import { mkdirSync } from "node:fs";
import path from "node:path";
import type { KeyvSqlite } from "@keyv/sqlite";
import Keyv from "keyv";
import { AppError, messageOf } from "../errors.ts";
import type { TaskState } from "./state.ts";
import type { Task } from "./task.ts";

export interface TaskFilter {
  ids?: readonly string[];
  states?: readonly TaskState[];
  tool?: string;
  /** Created at or after; ISO 8601 UTC as stored. */
  since?: string;
  /** Created before. */
  before?: string;
}

export interface TaskPage {
  tasks: Task[];
  /** Hand it back to get the next page; missing on the last one. */
  cursor?: string;
}

/** Two processes may share a data folder; a writer waits this long for the other. */
const busyTimeoutMs = 5_000;

const createdAt = "json_extract(value, '$.value.createdAt')";
const state = "json_extract(value, '$.value.state')";
const tool = "json_extract(value, '$.value.tool')";

/**
 * Tasks in Keyv on SQLite. Keyv writes `{"value": task}` into a table of its own; the indexes
 * over that JSON are what makes a page out of a million tasks a matter of milliseconds.
 */
export class TaskStore {
  readonly #keyv: Keyv<Task>;
  readonly #sqlite: KeyvSqlite;
  readonly #file: string;
  #closed = false;

  static async open(dir: string): Promise<TaskStore> {
    const file = path.join(dir, "tasks.sqlite");
    try {
      mkdirSync(dir, { recursive: true });
      // Lazy, so that a binding that cannot be loaded is an error with a name, not a dead server.
      const { KeyvSqlite } = await import("@keyv/sqlite");
      const sqlite = new KeyvSqlite({
        uri: `sqlite://${file}`,
        table: "tasks",
        busyTimeout: busyTimeoutMs,
      });
      sqlite.on("error", () => {
        // The same error rejects the query that meets it.
      });
      await sqlite.query("PRAGMA journal_mode = WAL");
      await sqlite.query("PRAGMA synchronous = NORMAL");
      for (const [name, columns] of indexes) {
        await sqlite.query(`CREATE INDEX IF NOT EXISTS ${name} ON tasks(${columns})`);
      }
      return new TaskStore(sqlite, file);
    } catch (error) {
      throw storageError(file, error);
    }
  }

  private constructor(sqlite: KeyvSqlite, file: string) {
    this.#sqlite = sqlite;
    this.#file = file;
    this.#keyv = new Keyv<Task>({
      store: sqlite,
      namespace: "task",
      useKeyPrefix: false,
      throwOnErrors: true,
    });
    this.#keyv.on("error", () => {
      // Thrown to the caller as well.
    });
  }

  async put(task: Task): Promise<void> {
    await this.#guard(this.#keyv.set(task.id, task));
  }

  async get(id: string): Promise<Task | undefined> {
    return this.#guard(this.#keyv.get(id));
  }

  async delete(id: string): Promise<boolean> {
    return this.#guard(this.#keyv.delete(id));
  }

  /** Newest first. */
  async list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage> {
    const where = conditions(filter);
    const after = cursor === undefined ? undefined : readCursor(cursor);
    if (after) where.push([`(${createdAt}, key) < (?, ?)`, after]);
    const rows = await this.#select(
      `SELECT value FROM tasks ${clause(where)} ORDER BY ${createdAt} DESC, key DESC LIMIT ?`,
      [...where.flatMap(([, values]) => values), limit + 1],
    );
    const tasks = rows.slice(0, limit).map((row) => JSON.parse(String(row["value"])).value as Task);
    const last = tasks.at(-1);
    return rows.length > limit && last ? { tasks, cursor: writeCursor(last) } : { tasks };
  }

  async count(filter: TaskFilter): Promise<number> {
    const where = conditions(filter);
    const rows = await this.#select(
      `SELECT count(*) AS n FROM tasks ${clause(where)}`,
      where.flatMap(([, values]) => values),
    );
    return Number(rows[0]?.["n"] ?? 0);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#keyv.disconnect();
  }

  #select(sql: string, values: unknown[]): Promise<Record<string, unknown>[]> {
    return this.#guard(this.#sqlite.query(sql, ...values));
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw storageError(this.#file, error);
    }
  }
}

const indexes: [name: string, columns: string][] = [
  ["tasks_created", `${createdAt}, key`],
  ["tasks_state", `${state}, ${createdAt}, key`],
  ["tasks_tool", `${tool}, ${createdAt}, key`],
];

type Condition = [sql: string, values: readonly unknown[]];

function conditions(filter: TaskFilter): Condition[] {
  const marks = (values: readonly unknown[]) => values.map(() => "?").join(", ");
  const where: Condition[] = [];
  if (filter.ids) where.push([`key IN (${marks(filter.ids)})`, filter.ids]);
  if (filter.states) where.push([`${state} IN (${marks(filter.states)})`, filter.states]);
  if (filter.tool) where.push([`${tool} = ?`, [filter.tool]]);
  if (filter.since) where.push([`${createdAt} >= ?`, [filter.since]]);
  if (filter.before) where.push([`${createdAt} < ?`, [filter.before]]);
  return where;
}

function clause(where: Condition[]): string {
  return where.length === 0 ? "" : `WHERE ${where.map(([sql]) => sql).join(" AND ")}`;
}

function writeCursor(task: Task): string {
  return Buffer.from(JSON.stringify([task.createdAt, task.id])).toString("base64url");
}

function readCursor(cursor: string): [string, string] {
  try {
    const [time, id] = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (typeof time === "string" && typeof id === "string") return [time, id];
  } catch {
    // Falls through to the one message below.
  }
  throw new AppError(
    "invalid_input",
    `cursor: ${JSON.stringify(cursor.slice(0, 40))} is not one that a listing returned; leave it out to start at the newest.`,
  );
}

function storageError(file: string, error: unknown): AppError {
  return new AppError(
    "storage",
    `The task database ${file} cannot be used: ${messageOf(error)}. Check that the folder is writable and the disk is not full, or choose another with --data-dir (EASEL_DATA_DIR).`,
    { cause: error },
  );
}
