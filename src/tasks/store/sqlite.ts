import path from "node:path";
import type { KeyvSqlite } from "@keyv/sqlite";
import Keyv from "keyv";
import { AppError, messageOf } from "../../errors.ts";
import { makeFolder } from "../../files/make-folder.ts";
import type { Outbox } from "../../webhooks/outbox.ts";
import { keptInputs, type Task } from "../task.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { loadKeyvSqlite } from "./native.ts";
import { outboxSchema, SqliteOutbox } from "./sqlite-outbox.ts";
import type { Claim, Server, TaskFilter, TaskPage, TaskStore } from "./store.ts";

/** Another server on the same data folder may be writing; wait this long for it. */
const busyTimeoutMs = 5_000;

/** A server that has been silent this long will not come back under its id. */
const forgottenMs = 60 * 60_000;

const createdAt = "json_extract(value, '$.value.createdAt')";
const state = "json_extract(value, '$.value.state')";
const tool = "json_extract(value, '$.value.tool')";
const owner = "json_extract(value, '$.value.owner')";
const resultBytes = "json_extract(value, '$.value.resultBytes')";
const deletedAt = "json_extract(value, '$.value.deletedAt')";

const schema = [
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = NORMAL",
  `CREATE INDEX IF NOT EXISTS tasks_created ON tasks(${createdAt}, key)`,
  `CREATE INDEX IF NOT EXISTS tasks_state ON tasks(${state}, ${createdAt}, key)`,
  `CREATE INDEX IF NOT EXISTS tasks_tool ON tasks(${tool}, ${createdAt}, key)`,
  `CREATE INDEX IF NOT EXISTS tasks_deleted ON tasks(key) WHERE ${deletedAt} IS NOT NULL`,
  ...outboxSchema,
  "CREATE TABLE IF NOT EXISTS task_inputs(sha256 TEXT, task TEXT, PRIMARY KEY (sha256, task)) WITHOUT ROWID",
  "CREATE INDEX IF NOT EXISTS task_inputs_task ON task_inputs(task)",
  "CREATE TABLE IF NOT EXISTS servers(id TEXT PRIMARY KEY, beat INTEGER, host TEXT, pid INTEGER) WITHOUT ROWID",
];

/**
 * Tasks in Keyv on SQLite. Keyv writes `{"value": task}` into a table of its own; the indexes
 * over that JSON are what makes a page out of a million tasks a matter of milliseconds, and
 * conditions on it are what lets several servers share the table.
 */
export class SqliteTaskStore implements TaskStore {
  readonly notice: string | undefined;
  readonly outbox: Outbox;
  readonly #keyv: Keyv<Task>;
  readonly #sqlite: KeyvSqlite;
  readonly #file: string;
  #closed = false;

  /** Rejects with what SQLite says; see `openTaskStore`. */
  static async open(file: string, notice?: string): Promise<SqliteTaskStore> {
    await makeFolder(path.dirname(file));
    // Lazy, so that a binding that cannot be loaded is an error with a name, not a dead server.
    const { KeyvSqlite } = loadKeyvSqlite();
    const sqlite = new KeyvSqlite({
      uri: `sqlite://${file}`,
      table: "tasks",
      busyTimeout: busyTimeoutMs,
    });
    sqlite.on("error", () => {
      // The same error rejects the query that meets it.
    });
    try {
      for (const statement of schema) await sqlite.query(statement);
      // A database that can be read but not written would fail at the first task only.
      await sqlite.query("DELETE FROM servers WHERE beat < 0");
    } catch (error) {
      await sqlite.close().catch(() => {});
      throw error;
    }
    return new SqliteTaskStore(sqlite, file, notice);
  }

  private constructor(sqlite: KeyvSqlite, file: string, notice: string | undefined) {
    this.notice = notice;
    this.#sqlite = sqlite;
    this.#file = file;
    this.outbox = new SqliteOutbox((sql, ...values) => this.#run(sql, ...values));
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

  async insert(task: Task): Promise<void> {
    await this.useInputs(
      task.id,
      keptInputs(task).map((input) => input.sha256),
    );
    await this.#guard(this.#keyv.set(task.id, task));
  }

  async update(task: Task): Promise<boolean> {
    const rows = await this.#run(
      `UPDATE tasks SET value = ? WHERE key = ? AND ${deletedAt} IS NULL AND ${owner} IS ? RETURNING key`,
      JSON.stringify({ value: task }),
      task.id,
      task.owner ?? null,
    );
    return rows.length > 0;
  }

  async get(id: string): Promise<Task | undefined> {
    const task = await this.#guard(this.#keyv.get(id));
    return task?.deletedAt === undefined ? task : undefined;
  }

  async list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage> {
    const where = conditions(filter);
    if (cursor !== undefined) where.push([`(${createdAt}, key) < (?, ?)`, readCursor(cursor)]);
    const rows = await this.#run(
      `SELECT value FROM tasks ${clause(where)} ORDER BY ${createdAt} DESC, key DESC LIMIT ?`,
      ...where.flatMap(([, values]) => values),
      limit + 1,
    );
    const tasks = rows.slice(0, limit).map(taskIn);
    const last = tasks.at(-1);
    return rows.length > limit && last ? { tasks, cursor: writeCursor(last) } : { tasks };
  }

  async count(filter: TaskFilter): Promise<number> {
    const where = conditions(filter);
    const rows = await this.#run(
      `SELECT count(*) AS n FROM tasks ${clause(where)}`,
      ...where.flatMap(([, values]) => values),
    );
    return Number(rows[0]?.["n"] ?? 0);
  }

  async conceal(id: string): Promise<Task | undefined> {
    const rows = await this.#run(
      `UPDATE tasks SET value = json_set(value, '$.value.deletedAt', ?) WHERE key = ? AND ${deletedAt} IS NULL RETURNING value`,
      new Date().toISOString(),
      id,
    );
    return rows.map(taskIn)[0];
  }

  async erase(id: string): Promise<void> {
    await this.#run("DELETE FROM task_inputs WHERE task = ?", id);
    await this.#guard(this.#keyv.delete(id));
  }

  async concealed(limit: number): Promise<Task[]> {
    const rows = await this.#run(
      `SELECT value FROM tasks WHERE ${deletedAt} IS NOT NULL LIMIT ?`,
      limit,
    );
    return rows.map(taskIn);
  }

  async otherUsers(sha256: string, taskId: string): Promise<number> {
    const rows = await this.#run(
      "SELECT count(*) AS n FROM task_inputs WHERE sha256 = ? AND task <> ?",
      sha256,
      taskId,
    );
    return Number(rows[0]?.["n"] ?? 0);
  }

  async useInputs(taskId: string, sha256s: readonly string[]): Promise<void> {
    for (const sha256 of sha256s) {
      await this.#run("INSERT OR IGNORE INTO task_inputs VALUES (?, ?)", sha256, taskId);
    }
  }

  async oldestEnded(limit: number): Promise<Task[]> {
    const rows = await this.#run(
      `SELECT value FROM tasks
       WHERE ${state} IN ('completed', 'failed', 'cancelled') AND ${deletedAt} IS NULL
       ORDER BY ${createdAt}, key LIMIT ?`,
      limit,
    );
    return rows.map(taskIn);
  }

  async totalBytes(): Promise<number> {
    const rows = await this.#run(`SELECT sum(${resultBytes}) AS n FROM tasks`);
    return Number(rows[0]?.["n"] ?? 0);
  }

  async beat({ id, host, pid }: Server): Promise<void> {
    await this.#run(
      "INSERT OR REPLACE INTO servers VALUES (?, ?, ?, ?)",
      id,
      Date.now(),
      host,
      pid,
    );
  }

  async servers(): Promise<Server[]> {
    await this.#run("DELETE FROM servers WHERE beat < ?", Date.now() - forgottenMs);
    const rows = await this.#run("SELECT id, host, pid FROM servers");
    return rows.map(({ id, host, pid }) => ({
      id: String(id),
      host: String(host),
      pid: Number(pid),
    }));
  }

  async leave(server: string): Promise<void> {
    await this.#run("DELETE FROM servers WHERE id = ?", server);
  }

  async claim(server: string, { staleMs, limit, backend, workflows }: Claim): Promise<Task[]> {
    const rows = await this.#run(
      `UPDATE tasks SET value = json_set(value, '$.value.owner', ?1) WHERE key IN (
        SELECT key FROM tasks
        WHERE ${state} IN ('queued', 'running') AND ${deletedAt} IS NULL
          AND (${owner} IS NULL OR ${owner} NOT IN (SELECT id FROM servers WHERE beat >= ?2))
          AND json_extract(value, '$.value.backend') = ?3
          AND json_extract(value, '$.value.tool') || '/' || json_extract(value, '$.value.workflow')
            IN (SELECT value FROM json_each(?4))
        LIMIT ?5
      ) RETURNING value`,
      server,
      Date.now() - staleMs,
      backend,
      JSON.stringify(workflows),
      limit,
    );
    return rows.map(taskIn);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#keyv.disconnect();
  }

  #run(sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
    return this.#guard(this.#sqlite.query(sql, ...values));
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw new AppError("storage", storageMessage(this.#file, error), { cause: error });
    }
  }
}

/** What is wrong with a task database and what to do, in words. */
export function storageMessage(file: string, error: unknown): string {
  if (error instanceof AppError) {
    return `The task database ${file} cannot be used: ${error.message}`;
  }
  return `The task database ${file} cannot be used: ${messageOf(error)}. Check that the folder is writable and the disk is not full, or choose another with --data-dir (EASEL_DATA_DIR).`;
}

function taskIn(row: Record<string, unknown>): Task {
  return JSON.parse(String(row["value"])).value;
}

type Condition = [sql: string, values: readonly unknown[]];

function conditions(filter: TaskFilter): Condition[] {
  const marks = (values: readonly unknown[]) => values.map(() => "?").join(", ");
  const where: Condition[] = [[`${deletedAt} IS NULL`, []]];
  if (filter.ids) where.push([`key IN (${marks(filter.ids)})`, filter.ids]);
  if (filter.states) where.push([`${state} IN (${marks(filter.states)})`, filter.states]);
  if (filter.tool) where.push([`${tool} = ?`, [filter.tool]]);
  if (filter.since) where.push([`${createdAt} >= ?`, [filter.since]]);
  if (filter.before) where.push([`${createdAt} < ?`, [filter.before]]);
  return where;
}

function clause(where: Condition[]): string {
  return `WHERE ${where.map(([sql]) => sql).join(" AND ")}`;
}
