import { type Dialect, type Query, rowMarks } from "./dialect.ts";

/** What moves with an installation, in the order in which one needs the other. */
const tables = {
  recipes: { key: ["hash"], rest: ["recipe"] },
  inputs: { key: ["sha256", "task"], rest: ["registered"] },
  tasks: { key: ["key"], rest: ["value"] },
  wishes: { key: ["task"], rest: [] },
  messages: { key: ["id"], rest: ["due", "private", "message"] },
  names: { key: ["caller", "kind", "name"], rest: ["ref", "task", "at"] },
  drained: { key: ["backend"], rest: [] },
} as const satisfies Record<string, { key: readonly string[]; rest: readonly string[] }>;

export type TableName = keyof typeof tables;

export const tableNames = Object.keys(tables) as readonly TableName[];

/** Values of one row, key first. */
export type Row = readonly unknown[];

const rowsAtOnce = 200;

/** The rows of a store as they are, for whoever moves them into another one. */
export class Transfer {
  readonly #query: Query;
  readonly #dialect: Dialect;

  constructor(query: Query, dialect: Dialect) {
    this.#query = query;
    this.#dialect = dialect;
  }

  /** Whether a server may be writing. */
  async isInUse(): Promise<boolean> {
    const sql = `SELECT 1 FROM leases WHERE until > ${this.#dialect.now} LIMIT 1`;
    return (await this.#query(sql)).length > 0;
  }

  async count(table: TableName): Promise<number> {
    const [row] = await this.#query(`SELECT count(*) AS n FROM ${table}`);
    return Number(row?.["n"]);
  }

  /** All rows, a page at a time, in the order of their keys. */
  async *pages(table: TableName): AsyncGenerator<Row[]> {
    const { key, rest } = tables[table];
    const columns = [...key, ...rest];
    let after: Row | undefined;
    do {
      const where = after ? `WHERE (${key.join(", ")}) > ${rowMarks([after])}` : "";
      const rows = await this.#query(
        `SELECT ${columns.join(", ")} FROM ${table} ${where} ORDER BY ${key.join(", ")} LIMIT ${rowsAtOnce}`,
        ...(after ?? []),
      );
      const page = rows.map((row) => columns.map((name) => row[name]));
      if (page.length > 0) yield page;
      after = page.at(-1)?.slice(0, key.length);
      if (page.length < rowsAtOnce) return;
    } while (after);
  }

  /** Adds the rows that are not there, reads all of them back, and gives those that differ. */
  async add(table: TableName, page: readonly Row[]): Promise<Row[]> {
    const { key, rest } = tables[table];
    const columns = [...key, ...rest];
    const rows = page.map((row) => row.map((value) => this.#storable(table, value)));
    await this.#query(
      `INSERT INTO ${table}(${columns.join(", ")}) VALUES ${rowMarks(rows)} ON CONFLICT DO NOTHING`,
      ...rows.flat(),
    );
    const keys = rows.map((row) => row.slice(0, key.length));
    const there = await this.#query(
      `SELECT ${columns.join(", ")} FROM ${table} WHERE (${key.join(", ")}) IN (VALUES ${rowMarks(keys)})`,
      ...keys.flat(),
    );
    const found = new Set(there.map((row) => written(columns.map((name) => row[name]))));
    return rows.filter((row) => !found.has(written(row)));
  }

  #storable(table: TableName, value: unknown): unknown {
    return table === "tasks" && typeof value === "string" ? this.#dialect.readable(value) : value;
  }
}

/** Large numbers come as text from some databases. */
function written(row: Row): string {
  return JSON.stringify(row.map((value) => (value === null ? null : String(value))));
}
