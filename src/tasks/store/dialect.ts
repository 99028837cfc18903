/** One SQL query; rows for whatever returns some. Marks are `$1`, `$2`, … in the order of `values`. */
export type Query = (sql: string, ...values: unknown[]) => Promise<Record<string, unknown>[]>;

/**
 * What databases say differently. The rest of the SQL is one text for all. Over Keyv's table
 * (`key`, `value` with `{"value": task, "updated": ms}`) lie generated columns: created, state,
 * tool, caller, server, deleted, bytes, recipe, idem. Beside them `updated` says when a record was
 * last written.
 */
export interface Dialect {
  /** Milliseconds since 1970 by the clock of the database: leases never trust a host's. */
  now: string;
  /** LIKE that takes small and capital letters for the same. */
  like: string;
  /** A text of the task that has no column. */
  text(path: "via" | "params.prompt"): string;
  /** The record with one field of the task replaced by a text. */
  withField(field: "server" | "deletedAt", mark: string): string;
  /** A record without what the database cannot read in JSON. */
  readable(record: string): string;
  /** Drops the recipe `$1`, unless a task has it or is being stored with it at this moment. */
  dropRecipe: string;
}

export const sqliteDialect: Dialect = {
  now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  like: "LIKE",
  text: (path) => `json_extract(value, '$.value.${path}')`,
  withField: (field, mark) => `json_set(value, '$.value.${field}', ${mark})`,
  readable: (record) => record,
  dropRecipe:
    "DELETE FROM recipes WHERE hash = $1 AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.recipe = recipes.hash)",
};

export const postgresDialect: Dialect = {
  // Not now(), which stands still for as long as a transaction lasts.
  now: "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
  like: "ILIKE",
  text: (path) => `(value::jsonb #>> '{value,${path.replace(".", ",")}}')`,
  // Written behind all others of the task, where it counts; jsonb_set would sort the fields of all.
  withField: (field, mark) =>
    `regexp_replace(value, '\\}(,"updated":\\d+\\})$', ',"${field}":' || to_json(CAST(${mark} AS TEXT)) || '}\\1')`,
  readable: withoutUnreadable,
  dropRecipe: "SELECT drop_recipe($1)",
};

/** `jsonb` has no character 0 and no half of a surrogate pair: each becomes U+FFFD. */
function withoutUnreadable(record: string): string {
  if (!/\\u(?:0000|d[89a-f])/.test(record)) return record;
  return record.replace(/\\(u0000|ud[89a-f]..|.)/g, (all, code: string) =>
    code.length > 1 ? "\\ufffd" : all,
  );
}

/** `($1, $2), ($3, $4)` for two rows of two values; `before` marks are taken already. */
export function rowMarks(rows: readonly (readonly unknown[])[], before = 0): string {
  let at = before;
  const mark = () => {
    at += 1;
    return `$${at}`;
  };
  return rows.map((row) => `(${row.map(mark).join(", ")})`).join(", ");
}
