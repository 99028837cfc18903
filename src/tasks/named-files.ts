import { createHash } from "node:crypto";
import { posix } from "node:path";
import { inspectImage } from "../images/inspect.ts";
import { isResultMimeType, type ResultMimeType, sniffMedia } from "../images/media.ts";
import { sniff } from "../images/sniff.ts";
import type { ImageStore } from "../images/store.ts";
import type { NameStore } from "./store/names.ts";
import type { TaskStore } from "./store/store.ts";
import { type ImageRecord, type InputRecord, imagesOf, type Task, taskIdOf } from "./task.ts";

/** The folders in which callers name files, as ComfyUI has them. */
export type Folder = "input" | "output" | "temp";

/** A file under a name of its caller: an upload, or a result of a task. */
export type NamedFile =
  | { kind: "upload"; record: InputRecord }
  | { kind: "result"; record: ImageRecord; task: Task };

/** Files by the names that callers know them by; each caller has folders of its own. */
export class NamedFiles {
  readonly #store: TaskStore;
  readonly #names: NameStore;
  readonly #images: ImageStore;

  constructor(store: TaskStore, images: ImageStore) {
    this.#store = store;
    this.#names = store.names;
    this.#images = images;
  }

  async find(caller: string, folder: Folder, path: string): Promise<NamedFile | undefined> {
    const ref = await this.#names.find(caller, folder, path);
    if (ref === undefined) return undefined;
    const upload = inputIn(ref, path);
    if (upload) return { kind: "upload", record: upload };
    const task = await this.#store.get(taskIdOf(ref) ?? "");
    const record = task && imagesOf(task).find(({ id }) => id === ref);
    return record && task?.caller === caller ? { kind: "result", record, task } : undefined;
  }

  /** The newest file of that name below a folder, for clients that forget where it lay. */
  async findBelow(caller: string, folder: Folder, name: string): Promise<NamedFile | undefined> {
    const found = await this.#names.ending(caller, folder, `/${name}`);
    return found && this.find(caller, folder, found.name);
  }

  /** Throws `not_found` where the file is gone. */
  read(file: NamedFile): Promise<Buffer> {
    return file.kind === "upload"
      ? this.#images.readInput(file.record.sha256, file.record.mimeType)
      : this.#images.readResult(file.record.id, file.record.mimeType);
  }

  /** Keeps a file as it is sent, under a name that may have stood for another. */
  async put(caller: string, folder: Folder, path: string, bytes: Buffer): Promise<InputRecord> {
    const record = await describe(bytes, path);
    await this.#store.keepUpload(caller, record.sha256);
    await this.#names.set({ caller, kind: folder, name: path, ref: refOf(record) });
    await this.#images.putInput(bytes, record.mimeType);
    return record;
  }

  /** It is in use, so it stays. */
  async used(caller: string, folder: Folder, path: string, record: InputRecord): Promise<void> {
    await this.#names.set({ caller, kind: folder, name: path, ref: refOf(record) });
  }

  /** The files whose path begins so, the newest first. */
  async list(caller: string, folder: Folder, limit: number, start = ""): Promise<string[]> {
    return (await this.#names.list(caller, folder, limit, start)).map(({ name }) => name);
  }

  /**
   * Names a result as ComfyUI did. Several ComfyUIs may give different pictures one name; then it is
   * the next number of that name that is free. Returns the name, without its folder.
   */
  async name(
    { caller, id: task }: Task,
    folder: Folder,
    subfolder: string,
    filename: string,
    { id: ref, sha256 }: ImageRecord,
  ): Promise<string> {
    const claim = async (candidate: string) => {
      const name = { caller, kind: folder, name: posix.join(subfolder, candidate), ref, task };
      const holder = await this.#names.take(name);
      if (holder === undefined || holder === ref) return true;
      const held = await this.find(caller, folder, name.name);
      // ComfyUI's cache gives the same picture its old name again.
      if (held?.kind !== "result" || held.record.sha256 !== sha256) return false;
      await this.#names.set(name);
      return true;
    };
    if (await claim(filename)) return filename;
    for (let number = await this.#highest(caller, folder, subfolder, filename); ; ) {
      number += 1;
      const next = numbered(filename, number);
      if (await claim(next)) return next;
    }
  }

  async #highest(caller: string, folder: Folder, subfolder: string, filename: string) {
    const { stem } = counted(filename);
    const start = posix.join(subfolder, stem);
    const known = await this.#names.list(caller, folder, 10_000, start);
    return Math.max(0, ...known.map(({ name }) => counted(posix.basename(name)).number));
  }
}

/** `name_00007_.png` is number 7 of `name_`. */
function counted(filename: string): { stem: string; number: number; rest: string } {
  const [, stem, number, rest] = /^(.*_)(\d+)(_?\.\w+)$/.exec(filename) ?? [];
  if (stem !== undefined && rest !== undefined) return { stem, number: Number(number), rest };
  const extension = posix.extname(filename);
  return {
    stem: `${filename.slice(0, filename.length - extension.length)}_`,
    number: 0,
    rest: `_${extension}`,
  };
}

function numbered(filename: string, number: number): string {
  const { stem, rest } = counted(filename);
  return `${stem}${String(number).padStart(5, "0")}${rest}`;
}

/** What a file is, whatever it is: ComfyUI looks at none before a node does. */
export async function describe(bytes: Buffer, origin: string): Promise<InputRecord> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const mimeType = sniff(bytes).mimeType ?? sniffMedia(bytes) ?? "application/octet-stream";
  const size = await inspectImage(bytes, origin).catch(() => ({ width: 0, height: 0 }));
  return { sha256, mimeType, width: size.width, height: size.height, origin };
}

/** What a name of kept bytes stands for; more may follow it. */
export function refOf({ sha256, mimeType, width, height }: InputRecord): string {
  return `${sha256} ${mimeType} ${width} ${height}`;
}

/** As `refOf` wrote it; undefined for the name of a result. */
export function inputIn(ref: string, origin: string): InputRecord | undefined {
  const [sha256 = "", mimeType = "", width, height] = ref.split(" ");
  if (!/^[0-9a-f]{64}$/.test(sha256) || !isResultMimeType(mimeType)) return undefined;
  return { sha256, mimeType, width: Number(width), height: Number(height), origin };
}

/** The ending under which ComfyUI gets a file: nodes look at it. */
export function uploadEnding({ mimeType, origin }: InputRecord, ending: string): string {
  const own = posix.extname(origin).slice(1);
  const isOther: boolean = mimeType === ("application/octet-stream" satisfies ResultMimeType);
  return isOther && /^[a-z0-9]{1,8}$/i.test(own) ? own : ending;
}
