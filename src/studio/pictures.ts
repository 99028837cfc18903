import type { LinkAnswer } from "../blobs/blobs.ts";
import { AppError } from "../errors.ts";
import { cardFor } from "../images/card.ts";
import { isPicture } from "../images/media.ts";
import { preview } from "../images/preview.ts";
import type { ResolveOptions } from "../images/source.ts";
import type { StoredPreview } from "../images/store.ts";
import type { LivePreview } from "../tasks/events.ts";
import { type ImageRecord, imagesOf, inputHashOf, type Task, taskIdOf } from "../tasks/task.ts";
import type { Upload } from "../tasks/uploads.ts";
import type { StudioParts } from "./parts.ts";
import type { Studio } from "./studio.ts";

/** The pictures that a caller made or sent: their bytes, their places, and how a call names them. */
export class OwnPictures {
  readonly #studio: Studio;
  readonly #parts: StudioParts;

  constructor(studio: Studio, parts: StudioParts) {
    this.#studio = studio;
    this.#parts = parts;
  }

  /** Where a picture may come from that is named in a call. */
  get sources(): ResolveOptions {
    const { folders } = this.#studio.caller;
    return {
      ...folders,
      // A result's path is in every answer, so it may come back as an input.
      roots: folders.roots.length > 0 ? [...folders.roots, ...this.#parts.images.resultsDirs] : [],
      lookup: (reference) => this.#picture(reference),
    };
  }

  async image(imageId: string): Promise<{ record: ImageRecord; task: Task }> {
    const taskId = taskIdOf(imageId);
    this.#studio.demand("read");
    const task = taskId ? await this.#studio.get(taskId).catch(() => undefined) : undefined;
    const record = task && imagesOf(task).find((image) => image.id === imageId);
    if (record) return { record, task };
    throw new AppError(
      "not_found",
      `There is no picture ${JSON.stringify(imageId.slice(0, 60))}. Ids look like t0123456789abcdef-1; task_status and list_tasks name those of a task.`,
    );
  }

  /** The picture as it was made. */
  async original(imageId: string): Promise<{ record: ImageRecord; task: Task; bytes: Buffer }> {
    const { record, task } = await this.image(imageId);
    return { record, task, bytes: await this.#parts.images.readResult(record.id, record.mimeType) };
  }

  /** Where the original is fetched without a key for a while; undefined where this server sends it. */
  async link(imageId: string, answer: LinkAnswer): Promise<string | undefined> {
    const { record } = await this.image(imageId);
    return this.#parts.images.resultLink(record.id, record.mimeType, answer);
  }

  /** Where a person finds the full picture: a URL for a remote caller, or a path on this machine. */
  place({ id, mimeType }: ImageRecord): string {
    return this.url(id) ?? this.#parts.images.resultPath(id, mimeType);
  }

  /** Where a remote caller fetches a picture or an input; undefined for one on this machine. */
  url(id: string): string | undefined {
    return this.#studio.caller.imageUrl?.(id);
  }

  /** Its preview, as it was made with the picture; of what shows nothing, a card of its kind. */
  async preview(imageId: string): Promise<StoredPreview> {
    const { record } = await this.image(imageId);
    const { id, mimeType } = record;
    const made = isPicture(mimeType) ? preview : async () => preview(await cardFor(mimeType));
    return this.#parts.images.readPreview(id, mimeType, made);
  }

  /** The newest frame of a task on its way; undefined when there is none. */
  async livePreview(id: string): Promise<LivePreview | undefined> {
    await this.#studio.get(id);
    return this.#parts.tasks.livePreview(id);
  }

  /** Keeps a picture for a call to come. */
  async upload(bytes: Buffer): Promise<Upload> {
    this.#studio.demand("generate");
    return this.#parts.tasks.uploads.put(this.#studio.caller.name, bytes);
  }

  /** As `upload`, from wherever the picture of a `parameter` may be. */
  async bring(parameter: string, from: string): Promise<Upload> {
    this.#studio.demand("generate");
    return this.#parts.tasks.uploads.bring(this.#studio.caller.name, parameter, from, this.sources);
  }

  /** An input picture by its id, as PNG. */
  async input(id: string): Promise<Buffer> {
    const sha256 = inputHashOf(id);
    const bytes = sha256 && (await this.#parts.tasks.uploads.read(sha256, this.#studio.only));
    if (bytes) return bytes;
    throw new AppError(
      "not_found",
      `There is no input picture ${JSON.stringify(id.slice(0, 80))}. An upload that is not used is kept for a day; send it again.`,
    );
  }

  /** By `comfy://images/ID`, an image id, an input id, or a task id, which stands for its first picture. */
  async #picture(reference: string): Promise<Buffer> {
    const id = reference.replace(/^comfy:\/\/(images|tasks)\//, "");
    if (inputHashOf(id)) return this.input(id);
    const task = /-\d+$/.test(id) ? undefined : await this.#studio.get(id).catch(() => undefined);
    const first = task ? imagesOf(task)[0]?.id : id;
    const { bytes } = await this.original(first ?? id);
    return bytes;
  }
}
