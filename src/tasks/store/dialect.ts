/** One SQL query; rows for whatever returns some. Marks are `$1`, `$2`, … in the order of `values`. */
export type Query = (sql: string, ...values: unknown[]) => Promise<Record<string, unknown>[]>;

/**
 * What databases say differently. The rest of the SQL is one text for all. Over Keyv's table
 * (`key`, `value` with `{"value": task, "updated": ms}`) lie generated columns: created, state,
 * tool, caller, server, deleted, bytes, recipe, idem, updated.
 */
export interface Dialect {
  /** Milliseconds since 1970 by the clock of the database: leases never trust a host's. */
  now: string;
  /** A text of the task that has no column. */
  text(path: "via" | "params.prompt"): string;
  /** The record with one field of the task replaced by a text. */
  withField(field: "server" | "deletedAt", mark: string): string;
}

export const sqliteDialect: Dialect = {
  now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  text: (path) => `json_extract(value, '$.value.${path}')`,
  withField: (field, mark) => `json_set(value, '$.value.${field}', ${mark})`,
};
