import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import type { Blobs } from "./blobs/blobs.ts";
import { FileBlobs } from "./blobs/file-blobs.ts";
import { AppError, refusal } from "./errors.ts";
import { resultExtensions } from "./images/media.ts";
import { inputKey, previewKey, previewTypes, resultKey } from "./images/store.ts";
import type { Log } from "./log.ts";
import { openPostgres } from "./tasks/store/postgres.ts";
import { openSqlite } from "./tasks/store/sqlite.ts";
import { type Row, type TableName, type Transfer, tableNames } from "./tasks/store/transfer.ts";
import { imagesOf, type Task } from "./tasks/task.ts";

export interface MigrateOptions {
  /** The data folder that is moved. */
  from: string;
  /** Of the PostgreSQL. */
  to: string;
  /** Where pictures go; unset: they stay. */
  blobs: Blobs | undefined;
  log: Log;
  /** Told how far it is, in words. */
  progress(line: string): void;
}

/** What a run of it has found. */
export interface MigrateReport {
  rows: number;
  /** Pictures, previews and inputs that are at their place now, and their bytes. */
  blobs: number;
  bytes: number;
  /** What could not be moved, and why. */
  problems: string[];
}

/** So many pictures are on their way at once. */
const blobsAtOnce = 8;
const types = Object.entries(resultExtensions) as [keyof typeof resultExtensions, string][];

/**
 * Moves an installation into a PostgreSQL, and its pictures into other blobs. What is moved stays where
 * it was; a run that was cut off is begun again and does what is left. Every row is read back
 * and compared, every picture by its SHA-256. A task comes after its pictures, so that a
 * server that works there already finds them. Throws `invalid_input` while a server works in the folder.
 */
export async function migrate(options: MigrateOptions): Promise<MigrateReport> {
  const { from, to, log } = options;
  const file = path.join(from, "tasks.sqlite");
  if (!existsSync(file)) {
    throw refusal(`--from: there is no tasks.sqlite in ${from}. Name the --data-dir of a server.`);
  }
  const source = await openSqlite(file);
  try {
    if (await source.transfer.isInUse()) {
      throw refusal(
        `--from: a server works in ${from}. End it first, and start it with the new places afterwards.`,
      );
    }
    const target = await openPostgres(to, log);
    try {
      return await new Migration(options, source.transfer, target.transfer).run();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

class Migration {
  readonly #options: MigrateOptions;
  readonly #source: Transfer;
  readonly #target: Transfer;
  readonly #pictures: Blobs;
  readonly #report: MigrateReport = { rows: 0, blobs: 0, bytes: 0, problems: [] };

  constructor(options: MigrateOptions, source: Transfer, target: Transfer) {
    this.#options = options;
    this.#source = source;
    this.#target = target;
    this.#pictures = new FileBlobs(options.from);
  }

  async run(): Promise<MigrateReport> {
    for (const table of tableNames) await this.#table(table);
    return this.#report;
  }

  async #table(table: TableName): Promise<void> {
    const { progress } = this.#options;
    const count = await this.#source.count(table);
    let done = 0;
    for await (const page of this.#source.pages(table)) {
      if (table === "inputs") await this.#inputs(page);
      if (table === "tasks") await this.#results(page);
      for (const [key] of await this.#target.add(table, page)) {
        this.#report.problems.push(`${table} ${key}: another one is there in its place`);
      }
      done += page.length;
      this.#report.rows += page.length;
      progress(`${table} ${done}/${count}, ${this.#report.blobs} pictures and inputs`);
    }
  }

  /** A row does not say of what kind its input is. */
  async #inputs(page: readonly Row[]): Promise<void> {
    const { blobs } = this.#options;
    if (!blobs) return;
    const hashes = [...new Set(page.map(([sha256]) => String(sha256)))];
    await eachOf(hashes, async (sha256) => {
      for (const [type] of types) await this.#copy(blobs, inputKey(sha256, type), type, sha256);
    });
  }

  async #results(page: readonly Row[]): Promise<void> {
    const { blobs } = this.#options;
    if (!blobs) return;
    const tasks = page.map(([, value]) => JSON.parse(String(value)).value as Task);
    const images = tasks.filter(({ deletedAt }) => !deletedAt).flatMap(imagesOf);
    await eachOf(images, async ({ id, mimeType, sha256 }) => {
      for (const type of previewTypes) await this.#copy(blobs, previewKey(id, type), type);
      const isThere = await this.#copy(blobs, resultKey(id, mimeType), mimeType, sha256);
      if (!isThere) this.#report.problems.push(`image ${id}: its file is gone`);
    });
  }

  /** False where there is nothing to copy. @param sha256 as it is on record, if it is */
  async #copy(blobs: Blobs, key: string, type: string, sha256?: string): Promise<boolean> {
    const bytes = await this.#pictures.get(key);
    if (!bytes) return false;
    const own = hashOf(bytes);
    if (own !== (sha256 ?? own)) {
      this.#report.problems.push(`${key}: its bytes are not those on record; it is moved as it is`);
    }
    const there = await blobs.get(key);
    if (!there || hashOf(there) !== own) {
      await blobs.put(key, bytes, type);
      const kept = await blobs.get(key);
      if (!kept || hashOf(kept) !== own) {
        throw new AppError(
          "storage",
          `${blobs.place(key)} is not what was put there. Start again.`,
        );
      }
    }
    this.#report.blobs += 1;
    this.#report.bytes += bytes.length;
    return true;
  }
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const workers = Array.from({ length: blobsAtOnce }, async () => {
    for (const item of left) await work(item);
  });
  await Promise.all(workers);
}
