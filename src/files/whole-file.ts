import * as fs from "node:fs";
import { copyFile, link, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { errnoOf } from "./storage-error.ts";

/** What the umask leaves of it. */
const ordinaryMode = 0o666;

/**
 * Writes `bytes` under the name `temp` in the same folder first, so that a reader of `path` sees the
 * whole file or none, also after a power cut. What was there before is replaced. `unflushed` is
 * for what can be made again: a power cut may leave it empty.
 */
export async function replaceFile(
  path: string,
  temp: string,
  bytes: Buffer,
  mode = ordinaryMode,
  flush?: "unflushed",
): Promise<void> {
  try {
    await write(temp, bytes, mode, flush);
    await renamed(temp, path);
  } catch (error) {
    // Where the folder is not there, nothing of it is.
    if (errnoOf(error) !== "ENOENT") await rm(temp, { force: true });
    throw error;
  }
}

/** The same for a file that must be new: fails with EEXIST, however late another one comes. */
export async function createFile(
  path: string,
  temp: string,
  bytes: Buffer,
  mode = ordinaryMode,
): Promise<void> {
  try {
    await write(temp, bytes, mode);
    await link(temp, path).catch(async (error: unknown) => {
      if (!withoutLinks.has(errnoOf(error) ?? "")) throw error;
      await copyFile(temp, path, fs.constants.COPYFILE_EXCL);
    });
  } finally {
    await rm(temp, { force: true });
  }
}

/** What file systems such as exFAT and some network shares answer to a hard link. */
const withoutLinks: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

async function write(
  path: string,
  bytes: Buffer,
  mode: number,
  flush?: "unflushed",
): Promise<void> {
  const file = await opened(path, "wx", mode);
  try {
    for (let at = 0; at < bytes.length; ) at += await written(file, bytes, at);
    if (flush === undefined) await flushed(file);
  } finally {
    await closed(file);
  }
}

/** Numbers of open files: a `FileHandle` costs more than small files take to write. */
const opened = promisify(fs.open) as (path: string, flags: string, mode: number) => Promise<number>;
const flushed = promisify(fs.fsync);
const closed = promisify(fs.close);
const renamed = promisify(fs.rename);

function written(file: number, bytes: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(file, bytes, at, (error, count) => (error ? reject(error) : resolve(count)));
  });
}
