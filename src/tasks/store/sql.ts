import type Keyv from "keyv";
import type { Outbox } from "../../webhooks/outbox.ts";
import type { Recipe } from "../../workflows/recipe.ts";
import { keptInputs, type Task } from "../task.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import type { Dialect, Query } from "./dialect.ts";
import { type Drains, SqlDrains } from "./drains.ts";
import { erasedMs, History } from "./history.ts";
import { Members } from "./members.ts";
import { type NameStore, SqlNames } from "./names.ts";
import { SqlOutbox } from "./outbox.ts";
import { taskIn, Where } from "./rows.ts";
import { SqlRecords } from "./sql-records.ts";
import type { Changes, Glimpse, Server, TaskFilter, TaskPage, TaskStore, Wish } from "./store.ts";
import { Transfer } from "./transfer.ts";

/** Before the caller's name, where an input is held by an upload; no task id starts so. */
const uploadOf = "upload:";

export interface SqlTaskStoreOptions {
  keyv: Keyv<Task>;
  /** Rejects with `storage` errors only. */
  query: Query;
  /** Makes of what Keyv rejects with a `storage` error. */
  guard<T>(work: Promise<T>): Promise<T>;
  dialect: Dialect;
  close(): Promise<void>;
  notice?: string | undefined;
  /** See `TaskStore.onNews`. */
  onNews?: TaskStore["onNews"];
}

/**
 * Tasks in Keyv on an SQL database. The generated columns over Keyv's JSON are what makes a page
 * out of a million tasks a matter of milliseconds, and conditions on them are what lets several
 * servers share the table.
 */
export class SqlTaskStore implements TaskStore {
  readonly notice: string | undefined;
  readonly outbox: Outbox;
  readonly names: NameStore;
  readonly onNews: TaskStore["onNews"];
  readonly drains: Drains;
  readonly #options: SqlTaskStoreOptions;
  readonly #query: Query;
  readonly #now: string;
  readonly #records: SqlRecords;
  readonly #members: Members;
  readonly #history: History;

  constructor(options: SqlTaskStoreOptions) {
    this.notice = options.notice;
    this.onNews = options.onNews;
    this.#options = options;
    this.#query = options.query;
    this.#now = options.dialect.now;
    this.outbox = new SqlOutbox(options.query, options.dialect);
    this.#records = new SqlRecords(options.query, options.dialect);
    this.names = new SqlNames(options.query, options.dialect);
    this.drains = new SqlDrains(options.query);
    this.#members = new Members(options.query, options.dialect);
    this.#history = new History(options.query, options.dialect);
  }

  async insert(task: Task, recipe: Recipe): Promise<Task | undefined> {
    const inputs = keptInputs(task).map((input) => input.sha256);
    if (inputs.length > 0) await this.useInputs(task.id, inputs);
    if (await this.#records.insert(task, recipe)) return undefined;
    const known = await this.withKey(task.caller, task.idempotency?.key ?? "");
    if (known) return known.id === task.id ? undefined : known;
    // A connection that broke after the first attempt has stored it, and said so to nobody.
    if (await this.get(task.id)) return undefined;
    throw new Error(`task ${task.id} was not stored`);
  }

  async keepRecipe(hash: string, recipe: Recipe): Promise<void> {
    await this.#records.keepRecipes([{ hash, recipe }]);
  }

  async recipe(hash: string): Promise<Recipe | undefined> {
    const [row] = await this.#query("SELECT recipe FROM recipes WHERE hash = $1", hash);
    return row && JSON.parse(String(row["recipe"]));
  }

  update(task: Task): Promise<boolean> {
    return this.#records.update(task);
  }

  async get(id: string): Promise<Task | undefined> {
    const { keyv, guard } = this.#options;
    const task = await guard(keyv.get(id));
    return task?.deletedAt === undefined ? task : undefined;
  }

  async withKey(caller: string, key: string): Promise<Task | undefined> {
    const rows = await this.#query(
      "SELECT value FROM tasks WHERE caller = $1 AND idem = $2 AND deleted IS NULL",
      caller,
      key,
    );
    return rows.map(taskIn)[0];
  }

  async list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage> {
    const where = Where.of(filter, this.#options.dialect);
    if (cursor !== undefined) {
      where.and((mark) => `(created, key) < (${mark()}, ${mark()})`, ...readCursor(cursor));
    }
    const rows = await this.#query(
      `SELECT value FROM tasks ${where.sql} ORDER BY created DESC, key DESC LIMIT ${limit + 1}`,
      ...where.values,
    );
    const tasks = rows.slice(0, limit).map(taskIn);
    const last = tasks.at(-1);
    return rows.length > limit && last ? { tasks, cursor: writeCursor(last) } : { tasks };
  }

  async count(filter: TaskFilter): Promise<number> {
    const where = Where.of(filter, this.#options.dialect);
    const rows = await this.#query(`SELECT count(*) AS n FROM tasks ${where.sql}`, ...where.values);
    return Number(rows[0]?.["n"] ?? 0);
  }

  async conceal(id: string): Promise<Task | undefined> {
    const concealed = this.#options.dialect.withField("deletedAt", "$1");
    const rows = await this.#query(
      `UPDATE tasks SET value = ${concealed} WHERE key = $2 AND deleted IS NULL RETURNING value`,
      new Date().toISOString(),
      id,
    );
    return rows.map(taskIn)[0];
  }

  async erase(id: string): Promise<void> {
    const [row] = await this.#query("SELECT recipe, caller FROM tasks WHERE key = $1", id);
    if (row) {
      await this.#query(
        `INSERT INTO erased(task, caller, at) VALUES ($1, $2, ${this.#now}) ON CONFLICT DO NOTHING`,
        id,
        row["caller"],
      );
    }
    await this.dropInputs(id);
    await this.names.dropOf(id);
    await this.#query("DELETE FROM wishes WHERE task = $1", id);
    await this.#query("DELETE FROM glimpses WHERE task = $1", id);
    await this.#options.guard(this.#options.keyv.delete(id));
    await this.#query(this.#options.dialect.dropRecipe, row?.["recipe"] ?? "");
    await this.#query(`DELETE FROM erased WHERE at < ${this.#now} - ${erasedMs}`);
  }

  async concealed(limit: number): Promise<Task[]> {
    const rows = await this.#query(
      `SELECT value FROM tasks WHERE deleted IS NOT NULL
         AND state NOT IN ('queued', 'running') LIMIT ${limit}`,
    );
    return rows.map(taskIn);
  }

  async otherUsers(sha256: string, taskId: string): Promise<number> {
    const rows = await this.#query(
      "SELECT count(*) AS n FROM inputs WHERE sha256 = $1 AND task <> $2",
      sha256,
      taskId,
    );
    return Number(rows[0]?.["n"] ?? 0);
  }

  async useInputs(taskId: string, sha256s: readonly string[]): Promise<void> {
    for (const sha256 of new Set(sha256s)) {
      await this.#query(
        `INSERT INTO inputs(sha256, task, registered) VALUES ($1, $2, ${this.#now}) ON CONFLICT DO NOTHING`,
        sha256,
        taskId,
      );
    }
  }

  async dropInputs(taskId: string): Promise<void> {
    await this.#query("DELETE FROM inputs WHERE task = $1", taskId);
  }

  async keepUpload(caller: string, sha256: string): Promise<void> {
    await this.#query(
      `INSERT INTO inputs(sha256, task, registered) VALUES ($1, $2, ${this.#now})
         ON CONFLICT(sha256, task) DO UPDATE SET registered = excluded.registered`,
      sha256,
      `${uploadOf}${caller}`,
    );
  }

  async hasInput(sha256: string, caller?: string): Promise<boolean> {
    const rows = await this.#query(
      `SELECT 1 FROM inputs WHERE sha256 = $1 AND (task = $2 OR $3 = '' OR EXISTS
         (SELECT 1 FROM tasks WHERE key = inputs.task AND caller = $3 AND deleted IS NULL)) LIMIT 1`,
      sha256,
      `${uploadOf}${caller ?? ""}`,
      caller ?? "",
    );
    return rows.length > 0;
  }

  async expiredUploads(ageMs: number): Promise<string[]> {
    const rows = await this.#query(
      `DELETE FROM inputs WHERE registered < ${this.#now} - $1
         AND task LIKE '${uploadOf}%' AND NOT EXISTS (SELECT 1 FROM names
           WHERE substr(ref, 1, 64) = inputs.sha256) RETURNING sha256`,
      ageMs,
    );
    return [...new Set(rows.map((row) => String(row["sha256"])))];
  }

  async abandonedInputs(ageMs: number): Promise<string[]> {
    const rows = await this.#query(
      `DELETE FROM inputs WHERE registered < ${this.#now} - $1
         AND task NOT LIKE '${uploadOf}%' AND NOT EXISTS (SELECT 1 FROM tasks WHERE key = inputs.task) RETURNING sha256`,
      ageMs,
    );
    return [...new Set(rows.map((row) => String(row["sha256"])))];
  }

  async oldestEnded(limit: number): Promise<Task[]> {
    const rows = await this.#query(
      `SELECT value FROM tasks WHERE state IN ('completed', 'failed', 'cancelled')
         AND deleted IS NULL ORDER BY created, key LIMIT ${limit}`,
    );
    return rows.map(taskIn);
  }

  async totalBytes(caller?: string): Promise<number> {
    const rows =
      caller === undefined
        ? await this.#query("SELECT sum(bytes) AS n FROM kept")
        : await this.#query("SELECT bytes AS n FROM kept WHERE caller = $1", caller);
    return Number(rows[0]?.["n"] ?? 0);
  }

  beat(server: Server, leaseMs: number): Promise<void> {
    return this.#members.beat(server, leaseMs);
  }

  servers(): Promise<Server[]> {
    return this.#members.servers();
  }

  leave(serverId: string): Promise<void> {
    return this.#members.leave(serverId);
  }

  claim(
    serverId: string,
    wants: (task: Task) => boolean,
    limit: number,
    live: () => Promise<void>,
  ): Promise<Task[]> {
    return this.#members.claim(serverId, wants, limit, live);
  }

  wantCancel(taskId: string): Promise<void> {
    return this.#members.wantCancel(taskId);
  }

  wishes(serverId: string): Promise<Wish[]> {
    return this.#members.wishes(serverId);
  }

  wantGlimpses(reader: string, taskIds: readonly string[], forMs: number): Promise<void> {
    return this.#members.wantGlimpses(reader, taskIds, forMs);
  }

  wantedGlimpses(serverId: string): Promise<string[]> {
    return this.#members.wantedGlimpses(serverId);
  }

  showGlimpse(glimpse: Omit<Glimpse, "at">): Promise<void> {
    return this.#members.showGlimpse(glimpse);
  }

  glimpses(taskIds: readonly string[] | undefined, after: number): Promise<Glimpse[]> {
    return this.#members.glimpses(taskIds, after);
  }

  changes(mark?: number): Promise<Changes> {
    return this.#history.changes(mark);
  }

  /** Its rows as they are. */
  get transfer(): Transfer {
    return new Transfer(this.#query, this.#options.dialect);
  }

  close(): Promise<void> {
    return this.#options.close();
  }
}
