import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { makeFolder } from "../files/make-folder.ts";
import { errnoOf, storageError } from "../files/storage-error.ts";
import { replaceFile } from "../files/whole-file.ts";
import type { Blobs } from "./blobs.ts";

/** Pictures are private to the user whose server this is. */
const folderMode = 0o700;
const fileMode = 0o600;

// Called for every picture; those of `node:fs/promises` cost several times as much.
const access = promisify(fs.access);
const stat = promisify(fs.stat);

const tempSuffix = ".tmp";
const tempAgeMs = 60 * 60 * 1000;

/** A folder of this machine, or one that several share. Keys are paths of three parts. */
export class FileBlobs implements Blobs {
  readonly dir: string;
  /** By key: whoever asks meanwhile gets the same answer. */
  readonly #checks = new Map<string, Promise<void>>();

  constructor(dir: string) {
    this.dir = dir;
  }

  checkWritable(key: string): Promise<void> {
    const known = this.#checks.get(key);
    if (known !== undefined) return known;
    const folder = this.place(key);
    const mayWrite = () => access(folder, fs.constants.W_OK | fs.constants.X_OK);
    const check = this.#guard(() => withFolder(folder, mayWrite)).finally(() =>
      this.#checks.delete(key),
    );
    this.#checks.set(key, check);
    return check;
  }

  async put(key: string, bytes: Buffer, _type: string, flush?: "unflushed"): Promise<void> {
    const path = this.place(key);
    const write = () => replaceFile(path, this.#temp(path), bytes, fileMode, flush);
    await this.#guard(() => withFolder(dirname(path), write));
  }

  get(key: string): Promise<Buffer | undefined> {
    return this.#guard(() => unlessMissing(readFile(this.place(key))));
  }

  remove(key: string): Promise<number> {
    return this.#delete(this.place(key));
  }

  async removeUnless(key: string, isUsed: () => Promise<boolean>): Promise<number> {
    const path = this.place(key);
    const aside = this.#temp(path);
    if ((await this.#stats(path)) === undefined) return 0;
    await this.#guard(() => unlessMissing(rename(path, aside)));
    if (!(await isUsed())) return await this.#delete(aside);
    await this.#guard(() => unlessMissing(rename(aside, path)));
    return 0;
  }

  place(key: string): string {
    return join(this.dir, key);
  }

  async sweep(now: number): Promise<number> {
    let removed = 0;
    for (const kind of ["images", "inputs"]) {
      for (const shard of await this.#names(join(this.dir, kind))) {
        const folder = join(this.dir, kind, shard);
        const names = await this.#names(folder);
        for (const name of names.filter((entry) => entry.endsWith(tempSuffix))) {
          if (await this.#removeOlder(join(folder, name), now - tempAgeMs)) removed++;
        }
      }
    }
    return removed;
  }

  #temp(path: string): string {
    return `${path}.${randomUUID()}${tempSuffix}`;
  }

  #stats(path: string) {
    return this.#guard(() => unlessMissing(stat(path)));
  }

  async #delete(path: string): Promise<number> {
    const size = (await this.#stats(path))?.size;
    if (size === undefined) return 0;
    await this.#guard(() => rm(path, { force: true }));
    return size;
  }

  async #names(folder: string): Promise<string[]> {
    return (await this.#guard(() => unlessMissing(readdir(folder)))) ?? [];
  }

  async #removeOlder(path: string, limit: number): Promise<boolean> {
    const stats = await this.#stats(path);
    if (stats === undefined || stats.mtimeMs > limit) return false;
    await this.#guard(() => rm(path, { force: true }));
    return true;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(this.dir, error);
    }
  }
}

/** Folders are mostly there, so they are made only when `work` has missed one. */
async function withFolder(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    await makeFolder(folder, folderMode);
    await work();
  }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
