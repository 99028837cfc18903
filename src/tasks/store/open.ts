import { rename } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { MemoryTaskStore } from "./memory.ts";
import { openPostgres } from "./postgres.ts";
import { openSqlite, storageMessage } from "./sqlite.ts";
import type { TaskStore } from "./store.ts";

/**
 * Opens the task database: the one at `databaseUrl`, which several servers may share, or that of a
 * data folder. A damaged file is moved aside, never overwritten; one
 * that cannot be used at all (no binding, read-only, locked) leaves a store in memory that says so.
 * Never in place of the shared one: ids must be good at every server. It rejects with `storage`.
 */
export async function openTaskStore(
  dir: string,
  log: Log,
  databaseUrl?: string,
): Promise<TaskStore> {
  if (databaseUrl !== undefined) return openPostgres(databaseUrl, log);
  const file = path.join(dir, "tasks.sqlite");
  try {
    return await openSqlite(file);
  } catch (error) {
    if (!isDamaged(error)) return inMemory(storageMessage(file, error), log);
    log.error(storageMessage(file, error));
  }
  const aside = `${file}.damaged-${new Date().toISOString().replaceAll(":", "-")}`;
  try {
    await rename(file, aside);
    // What these hold belongs to the damaged file.
    for (const suffix of ["-wal", "-shm"]) {
      await rename(file + suffix, aside + suffix).catch(() => {});
    }
    const notice = `The task database was damaged and was moved to ${aside}; tasks in it are not listed.`;
    log.error(notice);
    return await openSqlite(file, { notice });
  } catch (error) {
    return inMemory(storageMessage(file, error), log);
  }
}

function inMemory(reason: string, log: Log): TaskStore {
  const store = new MemoryTaskStore(reason);
  log.error(store.notice);
  return store;
}

function isDamaged(error: unknown): boolean {
  return /SQLITE_(CORRUPT|NOTADB)/.test(messageOf(error));
}
