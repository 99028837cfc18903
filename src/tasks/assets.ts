import { createHash, randomUUID } from "node:crypto";
import { posix } from "node:path";
import type { ImageStore } from "../images/store.ts";
import { describe, inputIn, type NamedFiles, refOf } from "./named-files.ts";
import type { TaskStore } from "./store/store.ts";
import { type InputRecord, imagesOf, taskIdOf } from "./task.ts";

/** An upload under an id of its own, which stays while it is used. */
export interface Asset {
  id: string;
  record: InputRecord;
  bytes: number;
  /** BLAKE3, 64 hexadecimal digits. */
  blake3: string;
  /** As it was sent; what the bytes are is in `record`. */
  contentType: string;
  /** As its caller calls it. */
  path: string;
  createdAt: string;
}

export type AssetInfo = Pick<Asset, "contentType" | "path"> & {
  /** The same key gives the same id. */
  key?: string | undefined;
};

interface AssetsParts {
  store: TaskStore;
  images: ImageStore;
  files: NamedFiles;
}

/** So many assets of one caller are looked through when one of them goes. */
const mostLookedAt = 10_000;

/** Uploads of callers by ids, and their bytes by BLAKE3; each caller has its own. */
export class Assets {
  readonly #parts: AssetsParts;

  constructor(parts: AssetsParts) {
    this.#parts = parts;
  }

  /** `isKnown`: the caller had sent these bytes before; `same`: under this key, too. */
  async put(
    caller: string,
    sent: { bytes: Buffer; blake3: string },
    info: AssetInfo,
  ): Promise<{ asset: Asset; isKnown: boolean; earlier?: Asset }> {
    const id = newId(info.key);
    const earlier = info.key === undefined ? undefined : await this.get(caller, id);
    if (earlier) return { asset: earlier, isKnown: true, earlier };
    const isKnown = await this.has(caller, sent.blake3);
    const record = await describe(sent.bytes, info.path);
    await this.#parts.store.keepUpload(caller, record.sha256);
    await this.#parts.images.putInput(sent.bytes, record.mimeType);
    const { bytes, blake3 } = sent;
    const asset = await this.#name(caller, id, { record, bytes: bytes.length, blake3 }, info);
    return { asset, isKnown };
  }

  async has(caller: string, blake3: string): Promise<boolean> {
    return (await this.#blob(caller, blake3)) !== undefined;
  }

  /** Another asset of bytes that this caller has sent; undefined where it has not. */
  async fromHash(caller: string, blake3: string, info: AssetInfo): Promise<Asset | undefined> {
    const blob = await this.#blob(caller, blake3);
    if (!blob) return undefined;
    const { contentType, path: ownPath } = blob;
    const path = info.path || ownPath;
    return this.#name(caller, newId(), blob, {
      contentType: info.contentType || contentType,
      path,
    });
  }

  async get(caller: string, id: string): Promise<Asset | undefined> {
    const ref = await this.#parts.store.names.find(caller, "asset", id);
    return ref === undefined ? undefined : assetIn(id, ref);
  }

  read({ record }: Asset): Promise<Buffer> {
    return this.#parts.images.readInput(record.sha256, record.mimeType);
  }

  /** False where there is none. Its bytes are not found by their hash when no other asset has them. */
  async delete(caller: string, id: string): Promise<boolean> {
    const { names } = this.#parts.store;
    const asset = await this.get(caller, id);
    if (!asset) return false;
    await names.drop(caller, "asset", [id]);
    const placed = await names.list(caller, "input", mostLookedAt, `${id}/`);
    await names.drop(
      caller,
      "input",
      placed.map(({ name }) => name),
    );
    const others = await names.list(caller, "asset", mostLookedAt);
    const isUsed = others.some(({ name, ref }) => assetIn(name, ref)?.blake3 === asset.blake3);
    if (!isUsed) await names.drop(caller, "blob", [asset.blake3]);
    return true;
  }

  /**
   * The name under which a node of a graph loads an asset, or a result by its id; undefined where
   * the caller has none such.
   */
  async place(caller: string, id: string): Promise<string | undefined> {
    const { names } = this.#parts.store;
    const asset = await this.get(caller, id);
    if (asset) {
      const name = `${id}/${fileName(asset.path)}`;
      await this.#parts.files.used(caller, "input", name, asset.record);
      await this.#name(caller, id, asset, asset);
      return name;
    }
    const task = await this.#parts.store.get(taskIdOf(id) ?? "");
    const result = task?.caller === caller && imagesOf(task).find((image) => image.id === id);
    if (!task || !result) return undefined;
    const name = `${id}/result`;
    await names.set({ caller, kind: "input", name, ref: id, task: task.id });
    return name;
  }

  async #blob(caller: string, blake3: string): Promise<Asset | undefined> {
    const ref = await this.#parts.store.names.find(caller, "blob", blake3);
    return ref === undefined ? undefined : assetIn("", ref);
  }

  async #name(
    caller: string,
    id: string,
    { record, bytes, blake3 }: Pick<Asset, "record" | "bytes" | "blake3">,
    { contentType, path, createdAt }: AssetInfo & Partial<Pick<Asset, "createdAt">>,
  ): Promise<Asset> {
    const at = createdAt ?? new Date().toISOString();
    const asset: Asset = { id, record, bytes, blake3, contentType, path, createdAt: at };
    const { names } = this.#parts.store;
    const ref = textOf(asset);
    await names.set({ caller, kind: "asset", name: id, ref });
    await names.set({ caller, kind: "blob", name: blake3, ref });
    return asset;
  }
}

function newId(key?: string): string {
  const id = key === undefined ? randomUUID() : createHash("sha256").update(key).digest("hex");
  return `asset_${id.replaceAll("-", "").slice(0, 32)}`;
}

function textOf({ record, bytes, blake3, createdAt, contentType, path }: Asset): string {
  const words = [contentType, path].map(encodeURIComponent);
  return [refOf(record), bytes, blake3, createdAt, ...words].join(" ");
}

function assetIn(id: string, ref: string): Asset | undefined {
  const [, , , , bytes, blake3, createdAt, contentType = "", name = ""] = ref.split(" ");
  const path = decodeURIComponent(name);
  const record = inputIn(ref, path);
  if (!record || blake3 === undefined || createdAt === undefined) return undefined;
  const type = decodeURIComponent(contentType);
  return { id, record, bytes: Number(bytes), blake3, createdAt, contentType: type, path };
}

/** What may stand in a graph for a file: brackets would name a folder of ComfyUI's there. */
function fileName(path: string): string {
  const name = posix.basename(path.replaceAll("\\", "/")).replace(/[^\w. -]/g, "_");
  return name.slice(-100) || "file";
}
