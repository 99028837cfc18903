import type { Dialect, Query } from "./dialect.ts";
import { taskIn } from "./rows.ts";
import type { Changes } from "./store.ts";

/** What was erased is told to others for this long. */
export const erasedMs = 5 * 60_000;
/** Writes of other processes may become visible a little after their time stamp. */
const lateMs = 1_000;
const changesAtOnce = 500;
const changesPages = 10;

/** What has happened to records, whoever changed them. */
export class History {
  readonly #query: Query;
  readonly #now: string;

  constructor(query: Query, { now }: Dialect) {
    this.#query = query;
    this.#now = now;
  }

  async changes(mark?: number): Promise<Changes> {
    const [row] = await this.#query(`SELECT ${this.#now} AS now`);
    const now = Number(row?.["now"] ?? 0);
    if (mark === undefined) return { mark: now, changed: [], erased: [], isWhole: true };
    const { changed, last, isWhole } = await this.#changedSince(mark - lateMs);
    const erased = await this.#query(
      "SELECT task, caller FROM erased WHERE at > $1",
      mark - lateMs,
    );
    return {
      mark: isWhole ? now : last,
      changed: changed.map(taskIn),
      erased: erased.map(({ task, caller }) => ({ task: String(task), caller: String(caller) })),
      isWhole: isWhole && mark > now - erasedMs && mark <= now + lateMs,
    };
  }

  /** Page after page: more may change in the time that is read twice than one page holds. */
  async #changedSince(
    time: number,
  ): Promise<{ changed: Record<string, unknown>[]; last: number; isWhole: boolean }> {
    const changed: Record<string, unknown>[] = [];
    let last = time;
    let key = "\uffff";
    for (let page = 0; page < changesPages; page += 1) {
      const rows = await this.#query(
        `SELECT key, value, updated FROM tasks WHERE (updated, key) > ($1, $2) AND deleted IS NULL
           ORDER BY updated, key LIMIT ${changesAtOnce}`,
        last,
        key,
      );
      changed.push(...rows);
      if (rows.length < changesAtOnce) return { changed, last, isWhole: true };
      last = Number(rows.at(-1)?.["updated"]);
      key = String(rows.at(-1)?.["key"]);
    }
    return { changed, last, isWhole: false };
  }
}
