import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, readdir, readFile, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../errors.ts";
import { makeFolder } from "../files/make-folder.ts";
import { errnoOf, storageError } from "../files/storage-error.ts";
import { replaceFile } from "../files/whole-file.ts";
import { type ResultMimeType, resultExtensions } from "./media.ts";

/** What lists and answers show of a result. */
export interface StoredPreview {
  data: Buffer;
  mimeType: "image/jpeg" | "image/png";
}

const previewTypes = ["image/jpeg", "image/png"] as const;

/** Pictures are private to the user whose server this is. */
const folderMode = 0o700;
const fileMode = 0o600;

const tempSuffix = ".tmp";
const tempAgeMs = 60 * 60 * 1000;

/** Original bytes on disk: results by image id, inputs by the hash of their content. */
export class ImageStore {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The folder that holds every result, in subfolders. */
  get resultsDir(): string {
    return join(this.#dir, "images");
  }

  /** Throws `storage` where no picture could be kept, so that none is painted in vain. */
  async checkWritable(): Promise<void> {
    const mayWrite = () => access(this.resultsDir, constants.W_OK | constants.X_OK);
    await this.#guard(() => withFolder(this.resultsDir, mayWrite));
  }

  async putResult(
    imageId: string,
    bytes: Buffer,
    mimeType: ResultMimeType,
    preview?: StoredPreview,
  ): Promise<{ path: string; sha256: string }> {
    const path = this.resultPath(imageId, mimeType);
    if (preview) await this.#writePreview(imageId, preview);
    else await this.#dropPreviews(imageId);
    await this.#write(path, bytes);
    return { path, sha256: sha256Of(bytes) };
  }

  async readResult(imageId: string, mimeType: ResultMimeType): Promise<Buffer> {
    const path = this.resultPath(imageId, mimeType);
    return await this.#read(path, `Image ${imageId}`, "Make it again with the same seed.");
  }

  resultPath(imageId: string, mimeType: ResultMimeType): string {
    if (!/^t[0-9a-z]{16}-\d{1,4}$/.test(imageId)) {
      throw new Error(`not an image id: ${JSON.stringify(imageId.slice(0, 60))}`);
    }
    return this.#path("images", imageId, imageId.slice(1, 3), mimeType);
  }

  /**
   * The small picture beside a result. One that is missing is made again from the original by
   * `make`, and kept.
   */
  async readPreview(
    imageId: string,
    mimeType: ResultMimeType,
    make: (original: Buffer) => Promise<StoredPreview>,
  ): Promise<StoredPreview> {
    for (const type of previewTypes) {
      const path = this.#previewPath(imageId, type);
      const data = await this.#guard(() => unlessMissing(readFile(path)));
      // A power cut can leave an empty one.
      if (data?.length) return { data, mimeType: type };
    }
    const preview = await make(await this.readResult(imageId, mimeType));
    await this.#writePreview(imageId, preview);
    return { data: preview.data, mimeType: preview.mimeType };
  }

  async #writePreview(imageId: string, { data, mimeType }: StoredPreview): Promise<void> {
    await this.#dropPreviews(imageId, mimeType);
    await this.#write(this.#previewPath(imageId, mimeType), data, "unflushed");
  }

  async #dropPreviews(imageId: string, kept?: StoredPreview["mimeType"]): Promise<void> {
    for (const type of previewTypes) {
      if (type === kept) continue;
      await this.#guard(() => unlessMissing(unlink(this.#previewPath(imageId, type))));
    }
  }

  #previewPath(imageId: string, mimeType: StoredPreview["mimeType"]): string {
    const beside = this.resultPath(imageId, mimeType);
    return join(dirname(beside), `${imageId}.preview.${resultExtensions[mimeType]}`);
  }

  /** The bytes of the original that were freed; 0 when it was gone already. Its preview goes too. */
  async deleteResult(imageId: string, mimeType: ResultMimeType): Promise<number> {
    await this.#dropPreviews(imageId);
    return await this.#delete(this.resultPath(imageId, mimeType));
  }

  /**
   * The same bytes are kept once, however often they are put. They are written each time: another
   * process may be deleting the file that is there, and a new one survives that.
   */
  async putInput(
    bytes: Buffer,
    mimeType: ResultMimeType,
  ): Promise<{ sha256: string; path: string }> {
    const sha256 = sha256Of(bytes);
    const path = this.#inputPath(sha256, mimeType);
    await this.#write(path, bytes);
    return { sha256, path };
  }

  async readInput(sha256: string, mimeType: ResultMimeType): Promise<Buffer> {
    const path = this.#inputPath(sha256, mimeType);
    return await this.#read(path, `Input picture ${sha256.slice(0, 12)}`, "Send it again.");
  }

  /**
   * The bytes freed; 0 when the file was gone already, or when `isUsed` says that somebody has
   * come to need it. It is put aside first and asked about then: who registers an input after that
   * writes it anew, who did before gets it back.
   */
  async deleteInput(
    sha256: string,
    mimeType: ResultMimeType,
    isUsed: () => Promise<boolean>,
  ): Promise<number> {
    const path = this.#inputPath(sha256, mimeType);
    const aside = `${path}.${randomUUID()}${tempSuffix}`;
    const size = await this.#size(path);
    if (size === undefined) return 0;
    await this.#guard(() => unlessMissing(rename(path, aside)));
    if (!(await isUsed())) return await this.#delete(aside);
    await this.#guard(() => unlessMissing(rename(aside, path)));
    return 0;
  }

  /** As `deleteInput`, where it is not known what the input is. */
  async deleteUnknownInput(sha256: string, isUsed: () => Promise<boolean>): Promise<number> {
    let freed = 0;
    for (const mimeType of Object.keys(resultExtensions)) {
      freed += await this.deleteInput(sha256, mimeType as ResultMimeType, isUsed);
    }
    return freed;
  }

  /** Removes what a crash left half written, and says how many files that were. */
  async sweepTemp(now: number = Date.now()): Promise<number> {
    let removed = 0;
    for (const kind of ["images", "inputs"]) {
      for (const shard of await this.#names(join(this.#dir, kind))) {
        const folder = join(this.#dir, kind, shard);
        const names = await this.#names(folder);
        for (const name of names.filter((entry) => entry.endsWith(tempSuffix))) {
          if (await this.#removeOlder(join(folder, name), now - tempAgeMs)) removed++;
        }
      }
    }
    return removed;
  }

  #inputPath(sha256: string, mimeType: ResultMimeType): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) {
      throw new Error(`not a sha256: ${JSON.stringify(sha256.slice(0, 80))}`);
    }
    return this.#path("inputs", sha256, sha256.slice(0, 2), mimeType);
  }

  #path(kind: string, name: string, shard: string, mimeType: ResultMimeType): string {
    const extension: string | undefined = resultExtensions[mimeType];
    if (extension === undefined) throw new Error(`no file extension for ${mimeType}`);
    return join(this.#dir, kind, shard, `${name}.${extension}`);
  }

  async #write(path: string, bytes: Buffer, flush?: "unflushed"): Promise<void> {
    const write = () =>
      replaceFile(path, `${path}.${randomUUID()}${tempSuffix}`, bytes, fileMode, flush);
    await this.#guard(() => withFolder(dirname(path), write));
  }

  async #read(path: string, name: string, wayOut: string): Promise<Buffer> {
    const bytes = await this.#guard(() => unlessMissing(readFile(path)));
    if (bytes) return bytes;
    throw new AppError("not_found", `${name} is gone from disk (${path}). ${wayOut}`);
  }

  async #size(path: string): Promise<number | undefined> {
    return (await this.#guard(() => unlessMissing(stat(path))))?.size;
  }

  async #delete(path: string): Promise<number> {
    const size = await this.#size(path);
    if (size === undefined) return 0;
    await this.#guard(() => rm(path, { force: true }));
    return size;
  }

  async #names(folder: string): Promise<string[]> {
    return (await this.#guard(() => unlessMissing(readdir(folder)))) ?? [];
  }

  async #removeOlder(path: string, limit: number): Promise<boolean> {
    const stats = await this.#guard(() => unlessMissing(stat(path)));
    if (stats === undefined || stats.mtimeMs > limit) return false;
    await this.#guard(() => rm(path, { force: true }));
    return true;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(this.#dir, error);
    }
  }
}

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
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
