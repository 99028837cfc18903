import { AppError } from "../../errors.ts";
import { postgresDialect, type Query } from "./dialect.ts";

/** Where all tables are, so that a database can be shared with other programs. */
export const schema = "comfy_easel";
/** On which writes are told; the payload is what was written and who wrote. */
export const channel = "comfy_easel";
/** Raised with every change of what follows; the versions of SQLite's are counted apart. */
export const schemaVersion = 1;

/** Any number, the same in every version: who brings the schema up to date holds this lock. */
const migrationLock = 7_215_513_890;

/** Compared byte by byte, as SQLite does: the order of a page must not hang on a language. */
const text = 'TEXT COLLATE "C"';

const column = (name: string, path: string) =>
  `ADD COLUMN ${name} ${text} GENERATED ALWAYS AS (value::jsonb #>> '{value,${path}}') STORED`;

const tables = [
  // The table is Keyv's own.
  'CREATE TABLE tasks(key VARCHAR(255) COLLATE "C" PRIMARY KEY, value TEXT)',
  `ALTER TABLE tasks ${[
    column("created", "createdAt"),
    column("state", "state"),
    column("tool", "tool"),
    column("caller", "caller"),
    column("server", "server"),
    column("deleted", "deletedAt"),
    "ADD COLUMN bytes BIGINT GENERATED ALWAYS AS ((value::jsonb #>> '{value,resultBytes}')::bigint) STORED",
    column("recipe", "recipe"),
    column("idem", "idempotency,key"),
    "ADD COLUMN updated BIGINT NOT NULL DEFAULT 0",
  ].join(", ")}`,
  // What is deleted is in no list, and a count need not look at the rows.
  "CREATE INDEX tasks_by_created ON tasks(created, key) WHERE deleted IS NULL",
  "CREATE INDEX tasks_by_state ON tasks(state, created, key) WHERE deleted IS NULL",
  "CREATE INDEX tasks_by_tool ON tasks(tool, created, key) WHERE deleted IS NULL",
  "CREATE INDEX tasks_by_caller ON tasks(caller, created, key) WHERE deleted IS NULL",
  "CREATE INDEX tasks_by_caller_state ON tasks(caller, state) WHERE deleted IS NULL",
  "CREATE INDEX tasks_by_recipe ON tasks(recipe)",
  "CREATE INDEX tasks_by_update ON tasks(updated, key)",
  "CREATE INDEX tasks_unfinished ON tasks(key) WHERE state IN ('queued', 'running')",
  "CREATE INDEX tasks_concealed ON tasks(key) WHERE deleted IS NOT NULL",
  "CREATE UNIQUE INDEX tasks_by_key ON tasks(caller, idem) WHERE idem IS NOT NULL AND deleted IS NULL",
  `CREATE TABLE recipes(hash ${text} PRIMARY KEY, recipe TEXT)`,
  `CREATE TABLE inputs(sha256 ${text}, task ${text}, registered BIGINT, PRIMARY KEY (sha256, task))`,
  "CREATE INDEX inputs_by_task ON inputs(task)",
  `CREATE TABLE leases(server ${text} PRIMARY KEY, until BIGINT, host TEXT, pid INTEGER)`,
  `CREATE TABLE wishes(task ${text} PRIMARY KEY)`,
  // What is lost of these after a crash is shown again half a second later.
  `CREATE UNLOGGED TABLE watched(task ${text}, reader ${text}, until BIGINT, PRIMARY KEY (task, reader))`,
  `CREATE UNLOGGED TABLE glimpses(task ${text} PRIMARY KEY, at BIGINT, progress TEXT, mime TEXT, preview TEXT)`,
  `CREATE TABLE erased(task ${text} PRIMARY KEY, caller ${text}, at BIGINT)`,
  `CREATE TABLE messages(id ${text} PRIMARY KEY, due BIGINT, private INTEGER, message TEXT)`,
  "CREATE INDEX messages_by_due ON messages(due)",
  `CREATE TABLE kept(caller ${text} PRIMARY KEY, bytes BIGINT)`,
  `CREATE TABLE names(caller ${text}, kind ${text}, name ${text}, ref ${text}, task ${text}, at BIGINT, PRIMARY KEY (caller, kind, name))`,
  `CREATE TABLE drained(backend ${text} PRIMARY KEY)`,
  "CREATE INDEX names_by_task ON names(task) WHERE task IS NOT NULL",
];

/** Callers in one order, so that two statements with the same ones never wait for each other. */
const keptBy = (name: string, event: string, lines: string, rows: string) => [
  `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     INSERT INTO kept AS had(caller, bytes)
       SELECT caller, sum(bytes) FROM (${rows}) AS changed WHERE bytes <> 0
         GROUP BY caller ORDER BY caller
       ON CONFLICT (caller) DO UPDATE SET bytes = had.bytes + excluded.bytes;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER ${name} AFTER ${event} ON tasks REFERENCING ${lines} FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`,
];
const came = "SELECT caller, bytes FROM came";
const went = "SELECT caller, -bytes AS bytes FROM went";

const told = (table: string, event: string) =>
  `CREATE TRIGGER told AFTER ${event} ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION tell()`;

const triggers = [
  ...keptBy("kept_by_insert", "INSERT", "NEW TABLE AS came", came),
  ...keptBy("kept_by_delete", "DELETE", "OLD TABLE AS went", went),
  ...keptBy(
    "kept_by_update",
    "UPDATE",
    "OLD TABLE AS went NEW TABLE AS came",
    `${came} UNION ALL ${went}`,
  ),
  `CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     NEW.updated = ${postgresDialect.now};
     RETURN NEW;
   END $$`,
  "CREATE TRIGGER stamped BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION stamp()",
  `CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     PERFORM pg_notify('${channel}', TG_TABLE_NAME || ' ' || current_setting('application_name'));
     RETURN NULL;
   END $$`,
  told("tasks", "INSERT OR UPDATE OR DELETE"),
  told("glimpses", "INSERT OR UPDATE"),
  told("watched", "INSERT"),
  told("wishes", "INSERT"),
  // The row is locked first: who is storing a task with it waits, and then stores the recipe anew.
  `CREATE FUNCTION drop_recipe(unused TEXT) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
     PERFORM 1 FROM recipes WHERE hash = unused FOR UPDATE;
     DELETE FROM recipes WHERE hash = unused AND NOT EXISTS (SELECT 1 FROM tasks WHERE recipe = unused);
   END $$`,
];

/**
 * Brings a database to this version's schema. `query` is one connection. Throws `storage` for one
 * that a newer version wrote: it is left as it is.
 */
export async function migratePostgres(query: Query): Promise<void> {
  if ((await versionOf(query)) === schemaVersion) return;
  await query("BEGIN");
  try {
    await query(`SELECT pg_advisory_xact_lock(${migrationLock})`);
    // Another server may have done it while this one waited.
    const found = await versionOf(query);
    if (found > schemaVersion) {
      throw new AppError(
        "storage",
        `it was written by a newer comfy-easel (schema ${found}, this one knows ${schemaVersion}); update this one, or name another database`,
      );
    }
    if (found < 1) {
      await query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      await query("CREATE TABLE version(version INTEGER)");
      await query("INSERT INTO version VALUES ($1)", schemaVersion);
      for (const statement of [...tables, ...triggers]) await query(statement);
    }
    await query("COMMIT");
  } catch (error) {
    await query("ROLLBACK").catch(() => {});
    throw error;
  }
}

async function versionOf(query: Query): Promise<number> {
  // to_regclass would remember that it was not there when this connection asked before.
  const there = await query(
    `SELECT 1 FROM pg_tables WHERE schemaname = '${schema}' AND tablename = 'version'`,
  );
  if (there.length === 0) return 0;
  const [row] = await query(`SELECT version FROM ${schema}.version`);
  return Number(row?.["version"] ?? 0);
}
