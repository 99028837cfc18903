import { AppError } from "../../errors.ts";
import type { Query } from "./dialect.ts";

/** Raised with every change of what follows or of the records' shape; see `migrations`. */
export const schemaVersion = 5;

const column = (name: string, path: string) =>
  `ALTER TABLE tasks ADD COLUMN ${name} GENERATED ALWAYS AS (json_extract(value, '${path}')) VIRTUAL`;

const versionOne = [
  column("created", "$.value.createdAt"),
  column("state", "$.value.state"),
  column("tool", "$.value.tool"),
  column("caller", "$.value.caller"),
  column("server", "$.value.server"),
  column("deleted", "$.value.deletedAt"),
  column("bytes", "$.value.resultBytes"),
  column("recipe", "$.value.recipe"),
  column("idem", "$.value.idempotency.key"),
  column("updated", "$.updated"),
  "CREATE INDEX tasks_by_created ON tasks(created, key)",
  "CREATE INDEX tasks_by_state ON tasks(state, created, key)",
  "CREATE INDEX tasks_by_tool ON tasks(tool, created, key)",
  "CREATE INDEX tasks_by_caller ON tasks(caller, created, key)",
  // A caller's unfinished tasks are counted at each of its calls, however many have ended.
  "CREATE INDEX tasks_by_caller_state ON tasks(caller, state)",
  "CREATE INDEX tasks_by_recipe ON tasks(recipe)",
  "CREATE INDEX tasks_by_update ON tasks(updated, key)",
  "CREATE INDEX tasks_concealed ON tasks(key) WHERE deleted IS NOT NULL",
  "CREATE UNIQUE INDEX tasks_by_key ON tasks(caller, idem) WHERE idem IS NOT NULL AND deleted IS NULL",
  "CREATE TABLE recipes(hash TEXT PRIMARY KEY, recipe TEXT) WITHOUT ROWID",
  "CREATE TABLE inputs(sha256 TEXT, task TEXT, registered INTEGER, PRIMARY KEY (sha256, task)) WITHOUT ROWID",
  "CREATE INDEX inputs_by_task ON inputs(task)",
  "CREATE TABLE leases(server TEXT PRIMARY KEY, until INTEGER, host TEXT, pid INTEGER) WITHOUT ROWID",
  "CREATE TABLE wishes(task TEXT PRIMARY KEY) WITHOUT ROWID",
  "CREATE TABLE watched(task TEXT PRIMARY KEY, until INTEGER) WITHOUT ROWID",
  "CREATE TABLE glimpses(task TEXT PRIMARY KEY, at INTEGER, progress TEXT, mime TEXT, preview TEXT)",
  "CREATE TABLE erased(task TEXT PRIMARY KEY, caller TEXT, at INTEGER) WITHOUT ROWID",
  "CREATE TABLE messages(id TEXT PRIMARY KEY, due INTEGER, private INTEGER, message TEXT) WITHOUT ROWID",
  "CREATE INDEX messages_by_due ON messages(due)",
];

/** Inside a trigger: the new record's bytes come to what its caller has. */
const addNew = `INSERT INTO kept(caller, bytes) SELECT NEW.caller, NEW.bytes WHERE NEW.bytes > 0
  ON CONFLICT (caller) DO UPDATE SET bytes = bytes + excluded.bytes`;
const takeOld = "UPDATE kept SET bytes = bytes - COALESCE(OLD.bytes, 0) WHERE caller = OLD.caller";

/** What a caller's pictures take, kept by the database itself: summing reads every record. */
const versionTwo = [
  "CREATE TABLE kept(caller TEXT PRIMARY KEY, bytes INTEGER) WITHOUT ROWID",
  "INSERT INTO kept SELECT caller, sum(bytes) FROM tasks WHERE bytes > 0 GROUP BY caller",
  `CREATE TRIGGER kept_by_insert AFTER INSERT ON tasks BEGIN ${addNew}; END`,
  `CREATE TRIGGER kept_by_update AFTER UPDATE ON tasks WHEN OLD.bytes IS NOT NEW.bytes
     BEGIN ${takeOld}; ${addNew}; END`,
  `CREATE TRIGGER kept_by_delete AFTER DELETE ON tasks BEGIN ${takeOld}; END`,
];

/**
 * Records of 0.1.0, which had no version: what ended is shown as before, what did not is gone on
 * with, by what it had instead of a recipe.
 */
const fromNone = [
  "DROP INDEX IF EXISTS tasks_created",
  "DROP INDEX IF EXISTS tasks_state",
  "DROP INDEX IF EXISTS tasks_tool",
  "DROP INDEX IF EXISTS tasks_deleted",
  `UPDATE tasks SET value = json_set(value, '$.value.before', json_object(
       'choices', json_extract(value, '$.value.choices'),
       'render', json_extract(value, '$.value.render'),
       'saveTo', json_extract(value, '$.value.saveTo')))
   WHERE json_extract(value, '$.value.state') IN ('queued', 'running')`,
  `UPDATE tasks SET value = json_set(value,
     '$.value.caller', 'owner', '$.value.recipe', '',
     '$.value.backends', json_array(json_extract(value, '$.value.backend')),
     '$.value.runs', (SELECT json_group_array(json(json_remove(json_set(run.value, '$.at', json_object(
         'backend', json_extract(tasks.value, '$.value.backend'),
         'choices', json_extract(tasks.value, '$.value.choices'))),
         iif(json_extract(run.value, '$.prompt') = '', '$.prompt', '$.none'))))
       FROM json_each(tasks.value, '$.value.runs') AS run),
     '$.updated', 0)`,
  ...versionOne,
  `INSERT OR IGNORE INTO wishes SELECT key FROM tasks
     WHERE json_extract(value, '$.value.cancelAskedAt') IS NOT NULL AND state IN ('queued', 'running')`,
  `UPDATE tasks SET value = json_remove(value, '$.value.owner', '$.value.graphHash',
     '$.value.backend', '$.value.choices', '$.value.render', '$.value.saveTo', '$.value.cancelAskedAt')`,
  "INSERT OR IGNORE INTO inputs SELECT sha256, task, 0 FROM task_inputs",
  "DROP TABLE task_inputs",
  "INSERT OR IGNORE INTO messages SELECT id, due, 0, message FROM outbox",
  "DROP TABLE outbox",
  "DROP TABLE servers",
];

/** Prompts and files as callers name them. */
const versionThree = [
  "CREATE TABLE names(caller TEXT, kind TEXT, name TEXT, ref TEXT, task TEXT, at INTEGER, PRIMARY KEY (caller, kind, name)) WITHOUT ROWID",
  "CREATE INDEX names_by_task ON names(task) WHERE task IS NOT NULL",
];

/** Who looks at a task, so that nobody shows it to itself. */
const versionFour = [
  "DROP TABLE watched",
  "CREATE TABLE watched(task TEXT, reader TEXT, until INTEGER, PRIMARY KEY (task, reader)) WITHOUT ROWID",
];

/** ComfyUIs that are given nothing new. */
const versionFive = ["CREATE TABLE drained(backend TEXT PRIMARY KEY) WITHOUT ROWID"];

const later = [versionTwo, versionThree, versionFour, versionFive];

/**
 * Brings a database to this version's schema. Throws `storage` for one that a newer version wrote:
 * it is left as it is.
 */
export async function migrate(query: Query): Promise<void> {
  const version = await versionOf(query);
  if (version === schemaVersion) return;
  if (version > schemaVersion) {
    throw new AppError(
      "storage",
      `it was written by a newer comfy-easel (schema ${version}, this one knows ${schemaVersion}); update this one, or choose another folder`,
    );
  }
  await query("BEGIN EXCLUSIVE");
  try {
    const found = await versionOf(query);
    // Another server may have done it while this one waited.
    if (found < schemaVersion) {
      const old = await query("SELECT name FROM sqlite_master WHERE name = 'task_inputs'");
      const first = old.length > 0 ? fromNone : versionOne;
      const steps = [...(found === 0 ? first : []), ...later.slice(Math.max(found - 1, 0)).flat()];
      for (const statement of steps) await query(statement);
      await query(`PRAGMA user_version = ${schemaVersion}`);
    }
    await query("COMMIT");
  } catch (error) {
    await query("ROLLBACK").catch(() => {});
    throw error;
  }
}

async function versionOf(query: Query): Promise<number> {
  const [row] = await query("PRAGMA user_version");
  return Number(row?.["user_version"] ?? 0);
}
