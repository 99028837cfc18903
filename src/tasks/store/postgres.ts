import { randomBytes } from "node:crypto";
import type { KeyvPostgres } from "@keyv/postgres";
import Keyv from "keyv";
import type { ClientConfig, Pool } from "pg";
import { backOff, pause } from "../../back-off.ts";
import { AppError, messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Task } from "../task.ts";
import { postgresDialect, type Query } from "./dialect.ts";
import { PostgresNews } from "./postgres-news.ts";
import { migratePostgres, schema } from "./postgres-schema.ts";
import { SqlTaskStore } from "./sql.ts";

/** Longer than a lease: what a broken connection leaves in doubt is settled, or anybody's by then. */
const defaultPatienceMs = 12_000;
const retryWaits = { first: 50, last: 1_000 };
const connectMs = 5_000;
/** A connection whose other end is gone without a word is given up after this. */
const answerMs = 30_000;
const defaultConnections = 10;

export interface PostgresOptions {
  /** The most at once, beside the one that listens. @default 10 */
  connections?: number | undefined;
  /** How long a database that is away is waited for, from when that was first seen. @default 12_000 */
  patienceMs?: number | undefined;
}

/**
 * Opens the task database that several servers share. One that is away is gone on without: every
 * query waits for it, and is refused with `storage` when it does not come. Rejects with `storage`
 * where waiting would not help: a newer schema, a wrong password.
 */
export async function openPostgres(
  url: string,
  log: Log,
  { connections = defaultConnections, patienceMs = defaultPatienceMs }: PostgresOptions = {},
): Promise<SqlTaskStore> {
  // Who works without a PostgreSQL loads nothing of it.
  const { default: pg } = await import("pg");
  const self = `comfy-easel ${randomBytes(4).toString("hex")}`;
  const config: ClientConfig = {
    connectionString: withSchema(url),
    application_name: self,
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    keepAlive: true,
  };
  const pool = new pg.Pool({ ...config, max: connections });
  pool.on("error", (error) => log.debug(`an idle connection to the database: ${error.message}`));
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw new AppError("storage", postgresMessage(url, error), { cause: error });
    }
  };
  let migrated = false;
  const closing = new AbortController();
  // Whoever asks later waits as much less.
  let awaySince: number | undefined;
  const mayTryAgain = (error: unknown, waitMs: number): boolean => {
    if (closing.signal.aborted || !isPassing(error)) return false;
    awaySince ??= performance.now();
    // Once in any case: the connection may be older than what is back.
    return waitMs === retryWaits.first || performance.now() + waitMs < awaySince + patienceMs;
  };
  const query: Query = async (sql, ...values) => {
    for (const waitMs of backOff(retryWaits)) {
      try {
        if (!migrated) await migrateOn(pool);
        migrated = true;
        const { rows } = await pool.query(sql, values.map(storable));
        awaySince = undefined;
        return rows;
      } catch (error) {
        if (!mayTryAgain(error, waitMs)) throw error;
        await pause(waitMs, closing.signal);
      }
    }
    throw new Error("unreachable: the waits have no end");
  };
  try {
    await migrateOn(pool);
    migrated = true;
  } catch (error) {
    if (!isPassing(error)) {
      await pool.end();
      throw new AppError("storage", postgresMessage(url, error), { cause: error });
    }
    log.error(`${postgresMessage(url, error)} This server goes on, and waits for it.`);
  }
  const { KeyvPostgres } = await import("@keyv/postgres");
  const keyv = new Keyv<Task>({
    store: keyvOn(KeyvPostgres, query),
    namespace: "task",
    useKeyPrefix: false,
    throwOnErrors: true,
  });
  keyv.on("error", () => {
    // Thrown to the caller as well.
  });
  const news = new PostgresNews(() => new pg.Client(config), self, log);
  return new SqlTaskStore({
    keyv,
    guard,
    query: (sql, ...values) => guard(query(sql, ...values)),
    dialect: postgresDialect,
    onNews: (listener) => news.on(listener),
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await news.close();
      await pool.end();
    },
  });
}

/**
 * Keyv's adapter over connections of our own. Its pool is one for the whole process, whatever the
 * addresses, and a connection that breaks while it rests there ends the process.
 */
function keyvOn(Adapter: typeof KeyvPostgres, query: Query): KeyvPostgres {
  class OwnConnections extends Adapter {
    override async connect() {
      return async (sql: string, values?: unknown[]) =>
        // The table is made with the schema.
        sql.startsWith("CREATE") ? [] : query(sql, ...(values ?? []));
    }
  }
  return new OwnConnections({ schema, table: "tasks" });
}

/** Brings the schema up to date, by one connection. */
async function migrateOn(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await migratePostgres(async (sql, ...values) => (await client.query(sql, values)).rows);
  } finally {
    client.release();
  }
}

/** The address with our schema before all others; what it says itself stays. */
function withSchema(text: string): string {
  const url = new URL(text);
  const given = url.searchParams.get("options");
  const path = `-c search_path=${schema}`;
  url.searchParams.set("options", given === null ? path : `${given} ${path}`);
  return url.href;
}

/** A text of PostgreSQL has no character 0. */
function storable(value: unknown): unknown {
  return typeof value === "string" ? value.replaceAll("\0", "\ufffd") : value;
}

/** Names of conditions that end by themselves: restarts, full tables of connections, deadlocks. */
const passingStates = /^(?:08...|53300|57P0[123]|40001|40P01|25006)$/;
const passingErrors = /^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET|ENOENT)/;
/** pg gives no code to these. */
const passingWords = /Connection terminated|timeout exceeded when trying to connect/;

function isPassing(error: unknown): boolean {
  const code = String((error as { code?: unknown } | undefined)?.code ?? "");
  return (
    passingStates.test(code) || passingErrors.test(code) || passingWords.test(messageOf(error))
  );
}

/** What is wrong with the database and what to do, without the password in its address. */
export function postgresMessage(address: string, error: unknown): string {
  const { host, pathname } = new URL(address);
  const name = `The task database ${decodeURIComponent(host)}${pathname}`;
  const option = "--database-url (EASEL_DATABASE_URL)";
  const why = messageOf(error) || String((error as { code?: unknown })?.code);
  if (isPassing(error)) {
    return `${name} cannot be read or written now (${why}). What is on record is safe, and work goes on when it is back; try again then. Its address is in ${option}.`;
  }
  return `${name} cannot be used: ${why}. See ${option}.`;
}
