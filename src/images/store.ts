import { createHash } from "node:crypto";
import path from "node:path";
import type { Blobs, LinkAnswer } from "../blobs/blobs.ts";
import { AppError } from "../errors.ts";
import { type ResultMimeType, resultExtensions } from "./media.ts";

/** What lists and answers show of a result. */
export interface StoredPreview {
  data: Buffer;
  mimeType: "image/jpeg" | "image/png";
}

export const previewTypes = ["image/jpeg", "image/png"] as const;

/** Original bytes: results by image id, inputs by the hash of their content. */
export class ImageStore {
  readonly #blobs: Blobs;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  /** The folders of this machine that hold every result, in subfolders; none for a bucket. */
  get resultsDirs(): string[] {
    const { dir } = this.#blobs;
    return dir === undefined ? [] : [path.join(dir, "images")];
  }

  /** Throws `storage` where no picture could be kept, so that none is painted in vain. */
  async checkWritable(): Promise<void> {
    await this.#blobs.checkWritable("images");
  }

  async putResult(
    imageId: string,
    bytes: Buffer,
    mimeType: ResultMimeType,
    preview?: StoredPreview,
  ): Promise<{ path: string; sha256: string }> {
    const key = resultKey(imageId, mimeType);
    if (preview) await this.#writePreview(imageId, preview);
    else await this.#dropPreviews(imageId);
    await this.#blobs.put(key, bytes, mimeType);
    return { path: this.#blobs.place(key), sha256: sha256Of(bytes) };
  }

  async readResult(imageId: string, mimeType: ResultMimeType): Promise<Buffer> {
    const key = resultKey(imageId, mimeType);
    return await this.#read(key, `Image ${imageId}`, "Make it again with the same seed.");
  }

  /** A path, or an address in the bucket. */
  resultPath(imageId: string, mimeType: ResultMimeType): string {
    return this.#blobs.place(resultKey(imageId, mimeType));
  }

  /** Where a client fetches a result without a key for a while; undefined where it is sent by us. */
  async resultLink(
    imageId: string,
    mimeType: ResultMimeType,
    answer: LinkAnswer,
  ): Promise<string | undefined> {
    return this.#blobs.link?.(resultKey(imageId, mimeType), answer);
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
      const data = await this.#blobs.get(previewKey(imageId, type));
      // A power cut can leave an empty one.
      if (data?.length) return { data, mimeType: type };
    }
    const preview = await make(await this.readResult(imageId, mimeType));
    await this.#writePreview(imageId, preview);
    return { data: preview.data, mimeType: preview.mimeType };
  }

  async #writePreview(imageId: string, { data, mimeType }: StoredPreview): Promise<void> {
    await this.#dropPreviews(imageId, mimeType);
    await this.#blobs.put(previewKey(imageId, mimeType), data, mimeType, "unflushed");
  }

  async #dropPreviews(imageId: string, kept?: StoredPreview["mimeType"]): Promise<void> {
    for (const type of previewTypes) {
      if (type !== kept) await this.#blobs.remove(previewKey(imageId, type));
    }
  }

  /** The bytes of the original that were freed; 0 when it was gone already. Its preview goes too. */
  async deleteResult(imageId: string, mimeType: ResultMimeType): Promise<number> {
    await this.#dropPreviews(imageId);
    return await this.#blobs.remove(resultKey(imageId, mimeType));
  }

  /**
   * The same bytes are kept once, however often they are put. They are written each time: another
   * process may be deleting what is there, and a new one survives that.
   */
  async putInput(
    bytes: Buffer,
    mimeType: ResultMimeType,
  ): Promise<{ sha256: string; path: string }> {
    const sha256 = sha256Of(bytes);
    const key = inputKey(sha256, mimeType);
    await this.#blobs.put(key, bytes, mimeType);
    return { sha256, path: this.#blobs.place(key) };
  }

  async readInput(sha256: string, mimeType: ResultMimeType): Promise<Buffer> {
    const key = inputKey(sha256, mimeType);
    return await this.#read(key, `Input picture ${sha256.slice(0, 12)}`, "Send it again.");
  }

  /** The bytes freed; 0 when it was gone already, or when `isUsed` says that somebody needs it. */
  async deleteInput(
    sha256: string,
    mimeType: ResultMimeType,
    isUsed: () => Promise<boolean>,
  ): Promise<number> {
    return await this.#blobs.removeUnless(inputKey(sha256, mimeType), isUsed);
  }

  /** As `deleteInput`, where it is not known what the input is. */
  async deleteUnknownInput(sha256: string, isUsed: () => Promise<boolean>): Promise<number> {
    let freed = 0;
    for (const mimeType of Object.keys(resultExtensions)) {
      freed += await this.deleteInput(sha256, mimeType as ResultMimeType, isUsed);
    }
    return freed;
  }

  /** Removes what a crash left half written, and says how much that was. */
  sweepTemp(now: number = Date.now()): Promise<number> {
    return this.#blobs.sweep(now);
  }

  async #read(key: string, name: string, wayOut: string): Promise<Buffer> {
    const bytes = await this.#blobs.get(key);
    if (bytes) return bytes;
    throw new AppError("not_found", `${name} is gone (${this.#blobs.place(key)}). ${wayOut}`);
  }
}

/** The key of an original. A defect of ours is thrown for what is no image id. */
export function resultKey(imageId: string, mimeType: ResultMimeType): string {
  if (!/^t[0-9a-z]{16}-\d{1,4}$/.test(imageId)) {
    throw new Error(`not an image id: ${JSON.stringify(imageId.slice(0, 60))}`);
  }
  return keyOf("images", imageId, imageId.slice(1, 3), mimeType);
}

export function previewKey(imageId: string, mimeType: StoredPreview["mimeType"]): string {
  return path.posix.join(
    path.posix.dirname(resultKey(imageId, mimeType)),
    `${imageId}.preview.${resultExtensions[mimeType]}`,
  );
}

export function inputKey(sha256: string, mimeType: ResultMimeType): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new Error(`not a sha256: ${JSON.stringify(sha256.slice(0, 80))}`);
  }
  return keyOf("inputs", sha256, sha256.slice(0, 2), mimeType);
}

function keyOf(kind: string, name: string, shard: string, mimeType: ResultMimeType): string {
  const extension: string | undefined = resultExtensions[mimeType];
  if (extension === undefined) throw new Error(`no file extension for ${mimeType}`);
  return `${kind}/${shard}/${name}.${extension}`;
}

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
