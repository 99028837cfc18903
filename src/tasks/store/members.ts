import type { Task } from "../task.ts";
import { type Dialect, type Query, rowMarks } from "./dialect.ts";
import { taskIn } from "./rows.ts";
import type { Glimpse, Server, Wish } from "./store.ts";

/** A server that has been silent this long will not come back under its id. */
const forgottenMs = 60 * 60_000;

/** Who works on what, and what the servers of one store want of each other. */
export class Members {
  readonly #query: Query;
  readonly #now: string;
  readonly #withServer: string;

  constructor(query: Query, dialect: Dialect) {
    this.#query = query;
    this.#now = dialect.now;
    this.#withServer = dialect.withField("server", "$1");
  }

  async beat({ id, host, pid }: Server, leaseMs: number): Promise<void> {
    await this.#query(
      `INSERT INTO leases(server, until, host, pid) VALUES ($1, ${this.#now} + $2, $3, $4)
       ON CONFLICT (server) DO UPDATE SET until = excluded.until`,
      id,
      leaseMs,
      host,
      pid,
    );
  }

  async servers(): Promise<Server[]> {
    const rows = await this.#query("SELECT server, host, pid FROM leases");
    return rows.map(({ server, host, pid }) => ({
      id: String(server),
      host: String(host),
      pid: Number(pid),
    }));
  }

  async leave(server: string): Promise<void> {
    await this.#query(
      `DELETE FROM leases WHERE server = $1 OR until < ${this.#now} - ${forgottenMs}`,
      server,
    );
    await this.#dropOldGlimpses();
  }

  /** Looks before it writes: an idle server does not keep a disk awake. */
  async claim(
    server: string,
    wants: (task: Task) => boolean,
    limit: number,
    live: () => Promise<void>,
  ): Promise<Task[]> {
    const left = `state IN ('queued', 'running') AND NOT EXISTS (
      SELECT 1 FROM leases WHERE leases.server = tasks.server AND until > ${this.#now})`;
    const claimed: Task[] = [];
    let after = "";
    for (;;) {
      const rows = await this.#query(
        `SELECT key, value FROM tasks WHERE ${left} AND key > $1 ORDER BY key LIMIT $2`,
        after,
        limit,
      );
      const wanted = rows.map(taskIn).filter(wants);
      if (wanted.length > 0) {
        await live();
        // From whom it was seen to have been left: another may have claimed it since. What is this
        // server's by now was claimed by this statement, before its connection broke.
        const was = wanted.map((task) => [task.id, task.server ?? ""]);
        const taken = await this.#query(
          `UPDATE tasks SET value = ${this.#withServer} FROM (VALUES ${rowMarks(was, 1)}) AS was
           WHERE key = was.column1 AND ((COALESCE(server, '') = was.column2 AND ${left})
             OR (server = $1 AND was.column2 <> $1)) RETURNING value`,
          server,
          ...was.flat(),
        );
        claimed.push(...taken.map(taskIn));
      }
      const last = rows.at(-1);
      if (rows.length < limit || !last || claimed.length >= limit) return claimed;
      after = String(last["key"]);
    }
  }

  async wantCancel(task: string): Promise<void> {
    await this.#query("INSERT INTO wishes(task) VALUES ($1) ON CONFLICT DO NOTHING", task);
  }

  async wishes(server: string): Promise<Wish[]> {
    const rows = await this.#query(
      `SELECT key, 'delete' AS wish FROM tasks
         WHERE deleted IS NOT NULL AND server = $1 AND state IN ('queued', 'running')
       UNION ALL
       SELECT key, 'cancel' AS wish FROM wishes JOIN tasks ON key = wishes.task
         WHERE deleted IS NULL AND server = $1 AND state IN ('queued', 'running')`,
      server,
    );
    return rows.map((row) => ({
      task: String(row["key"]),
      wish: row["wish"] === "delete" ? "delete" : "cancel",
    }));
  }

  async wantGlimpses(reader: string, tasks: readonly string[], forMs: number): Promise<void> {
    for (const task of tasks) {
      await this.#query(
        `INSERT INTO watched(task, reader, until) VALUES ($1, $2, ${this.#now} + $3)
         ON CONFLICT (task, reader) DO UPDATE SET until = excluded.until`,
        task,
        reader,
        forMs,
      );
    }
    await this.#query(`DELETE FROM watched WHERE until < ${this.#now}`);
    await this.#dropOldGlimpses();
  }

  /** Of what has ended nobody asks how far it is. */
  async #dropOldGlimpses(): Promise<void> {
    await this.#query(
      `DELETE FROM glimpses WHERE task NOT IN
         (SELECT key FROM tasks WHERE state IN ('queued', 'running'))`,
    );
  }

  async wantedGlimpses(server: string): Promise<string[]> {
    const rows = await this.#query(
      `SELECT DISTINCT task FROM watched WHERE until >= ${this.#now} AND reader <> $1 AND (task = '*' OR EXISTS
         (SELECT 1 FROM tasks WHERE key = task AND server = $1 AND state IN ('queued', 'running')))`,
      server,
    );
    return rows.map((row) => String(row["task"]));
  }

  async showGlimpse({ task, progress, preview }: Omit<Glimpse, "at">): Promise<void> {
    await this.#query(
      `INSERT INTO glimpses(task, at, progress, mime, preview) VALUES ($1, ${this.#now}, $2, $3, $4)
       ON CONFLICT (task) DO UPDATE SET at = excluded.at, progress = excluded.progress,
         mime = excluded.mime, preview = excluded.preview`,
      task,
      progress,
      preview?.mimeType ?? null,
      preview?.base64 ?? null,
    );
  }

  async glimpses(tasks: readonly string[] | undefined, after: number): Promise<Glimpse[]> {
    const marks = tasks?.map((_, i) => `$${i + 2}`).join(", ");
    const rows = await this.#query(
      `SELECT * FROM glimpses WHERE at > $1${marks === undefined ? "" : ` AND task IN (${marks})`}`,
      after,
      ...(tasks ?? []),
    );
    return rows.map(({ task, at, progress, mime, preview }) => ({
      task: String(task),
      at: Number(at),
      progress: String(progress),
      ...(mime ? { preview: { mimeType: String(mime), base64: String(preview) } } : {}),
    }));
  }
}
