import { createHash } from "node:crypto";
import { messageOf } from "../errors.ts";
import { toPng } from "../images/convert.ts";
import { inspectImage } from "../images/inspect.ts";
import { readable } from "../images/readable.ts";
import type { ImageSources, ResolveOptions } from "../images/source.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import type { TaskStore } from "./store/store.ts";
import { inputIdOf } from "./task.ts";

/** An upload that no task has used is kept this long. */
const unusedMs = 24 * 60 * 60_000;
/** ComfyUI keeps what was uploaded for good; here it stays as long as somebody uses its name. */
const unusedNameMs = 90 * 24 * 60 * 60_000;
const sweepEveryMs = 60 * 60_000;

export interface Upload {
  /** Stands for the picture wherever a call takes one. */
  id: string;
  sha256: string;
  width: number;
  height: number;
  mimeType: "image/png";
  bytes: number;
}

/** Pictures that callers send ahead of the call that uses them. */
export class Uploads {
  readonly #store: TaskStore;
  readonly #images: ImageStore;
  readonly #sources: ImageSources;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: TaskStore, images: ImageStore, sources: ImageSources) {
    this.#store = store;
    this.#images = images;
    this.#sources = sources;
  }

  /**
   * Keeps a picture in the form that tasks keep their inputs in, so that both are one file. Throws
   * `invalid_input` for what cannot be read, or is too large.
   */
  async put(caller: string, sent: Buffer, what = "The upload"): Promise<Upload> {
    const found = await readable(sent, what);
    await inspectImage(found, what);
    const picture = await toPng(found);
    const { width, height } = await inspectImage(picture, what);
    const sha256 = createHash("sha256").update(picture).digest("hex");
    // Registered first, so that nobody takes the file for a left-over.
    await this.#store.keepUpload(caller, sha256);
    await this.#images.putInput(picture, "image/png");
    return {
      id: inputIdOf(sha256),
      sha256,
      width,
      height,
      mimeType: "image/png",
      bytes: picture.length,
    };
  }

  /** As `put`, from wherever an input may be; refusals start with the name of the `parameter`. */
  async bring(
    caller: string,
    parameter: string,
    from: string,
    reach: ResolveOptions,
  ): Promise<Upload> {
    const { bytes, origin } = await this.#sources.resolve(parameter, from, reach);
    return this.put(caller, bytes, `${parameter}: ${origin}`);
  }

  /** Undefined for what is not there, and for what only others have. Unset, `caller` is anybody. */
  async read(sha256: string, caller: string | undefined): Promise<Buffer | undefined> {
    if (!(await this.#store.hasInput(sha256, caller))) return undefined;
    return this.#images.readInput(sha256, "image/png");
  }

  /** Drops what nothing has used for a day, from now on every hour. */
  async start(log: Log): Promise<void> {
    const sweep = () =>
      this.#sweep().catch((error) => log.warn(`old uploads stay: ${messageOf(error)}`));
    this.#timer = setInterval(sweep, sweepEveryMs);
    this.#timer.unref();
    await sweep();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #sweep(): Promise<void> {
    await this.#store.names.expire(unusedNameMs);
    for (const sha256 of await this.#store.expiredUploads(unusedMs)) {
      const isUsed = async () => (await this.#store.otherUsers(sha256, "")) > 0;
      if (!(await isUsed())) await this.#images.deleteUnknownInput(sha256, isUsed);
    }
  }
}
