import { AppError } from "../errors.ts";
import { preview } from "../images/preview.ts";
import type { ImageStore, StoredPreview } from "../images/store.ts";
import type { CancelReport } from "../tasks/cancelling.ts";
import type { DeleteReport } from "../tasks/deletion.ts";
import type { EventsOptions, TaskEvent } from "../tasks/events.ts";
import type { Asker, SubmitOptions } from "../tasks/intake.ts";
import type { TaskProgress } from "../tasks/progress.ts";
import { isTerminal } from "../tasks/state.ts";
import type { TaskFilter, TaskPage } from "../tasks/store/store.ts";
import { type ImageRecord, imagesOf, type Task, taskIdOf } from "../tasks/task.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { TaskRequest } from "../workflows/request.ts";
import type { Caller } from "./caller.ts";
import type { Installed, InstalledOptions } from "./installed.ts";
import type { WorkflowStates } from "./workflow-states.ts";

export interface StudioParts {
  tasks: Tasks;
  images: ImageStore;
  /** Every workflow and whether some ComfyUI can run it. */
  workflows(): Promise<WorkflowStates>;
  /** Models, LoRAs and styles that a call can name. */
  installed(options?: InstalledOptions): Promise<Installed>;
}

/** All a face sees: what one caller may see and do. */
export class Studio {
  readonly caller: Caller;
  readonly #parts: StudioParts;

  constructor(parts: StudioParts, caller: Caller) {
    this.#parts = parts;
    this.caller = caller;
  }

  /** The same caller, whose relative paths start in this folder. */
  startingIn(base: string): Studio {
    const { folders } = this.caller;
    return new Studio(this.#parts, { ...this.caller, folders: { ...folders, base } });
  }

  /** What whoever reads records must know: that they are in memory only, or that some are gone. */
  get notice(): string | undefined {
    return this.#parts.tasks.notice;
  }

  /** Checks the call and stores it as a task; the work goes on after the answer. */
  submit(tool: string, request: TaskRequest, options: SubmitOptions = {}): Promise<Task> {
    return this.#parts.tasks.submit(tool, request, this.#asker(), options);
  }

  /** The pictures of a task once more, with the same seeds; notes say where they may differ. */
  again(id: string, options: SubmitOptions = {}): Promise<Task> {
    return this.#parts.tasks.again(id, this.#asker(), options, this.#only);
  }

  #asker(): Asker {
    const { name, client, folders } = this.caller;
    const sources = {
      ...folders,
      // A result's path is in every answer, so it may come back as an input.
      roots: folders.roots.length > 0 ? [...folders.roots, this.#parts.images.resultsDir] : [],
      lookup: (reference: string) => this.#picture(reference),
    };
    return { caller: name, client, folders, sources };
  }

  get(id: string): Promise<Task> {
    return this.#parts.tasks.get(id, this.#only);
  }

  /** Undefined for a task that has ended. */
  progress(id: string): TaskProgress | undefined {
    return this.#parts.tasks.progress(id);
  }

  /** Why nothing is known here of how far an unfinished task is. */
  elsewhere(task: Task): string | undefined {
    return this.#parts.tasks.elsewhere(task);
  }

  /** What happens to one task, from where it is to its end. Throws `not_found` at the first step. */
  events(id: string, options: EventsOptions = {}): AsyncGenerator<TaskEvent> {
    return this.#parts.tasks.events(id, this.#only, options);
  }

  /** What happens to all tasks of this caller, from now on until `signal`. */
  allEvents(options: EventsOptions): AsyncGenerator<TaskEvent> {
    return this.#parts.tasks.allEvents(this.#only, options);
  }

  /**
   * The task when it has ended, when `timeoutMs` are over, or on `signal`; any number of callers
   * may wait, and none of them ends the task.
   */
  async wait(id: string, timeoutMs: number, signal?: AbortSignal): Promise<Task> {
    const over = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
    const options = { signal: signal ? AbortSignal.any([signal, over]) : over, everyMs: 1_000 };
    let last: Task | undefined;
    for await (const event of this.events(id, options)) {
      if (event.kind === "state") last = event.task;
    }
    return last && isTerminal(last.state) ? last : this.get(id);
  }

  list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage> {
    return this.#parts.tasks.list(this.#own(filter), limit, cursor);
  }

  count(filter: TaskFilter): Promise<number> {
    return this.#parts.tasks.count(this.#own(filter));
  }

  cancel(id: string): Promise<CancelReport> {
    return this.#parts.tasks.cancel(id, this.#only);
  }

  delete(filter: TaskFilter, dryRun: boolean): Promise<DeleteReport> {
    return this.#parts.tasks.delete(this.#own(filter), dryRun);
  }

  async image(imageId: string): Promise<{ record: ImageRecord; task: Task }> {
    const taskId = taskIdOf(imageId);
    const task = taskId ? await this.get(taskId).catch(() => undefined) : undefined;
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

  /** Where a person finds the full picture: a path on this machine. */
  place({ id, mimeType }: ImageRecord): string {
    return this.#parts.images.resultPath(id, mimeType);
  }

  /** Its preview, as it was made with the picture. */
  async preview(imageId: string): Promise<StoredPreview> {
    const { record } = await this.image(imageId);
    return this.#parts.images.readPreview(record.id, record.mimeType, preview);
  }

  workflows(): Promise<WorkflowStates> {
    return this.#parts.workflows();
  }

  installed(options?: InstalledOptions): Promise<Installed> {
    return this.#parts.installed(options);
  }

  /** By `comfy://images/ID`, an image id, or a task id, which stands for its first picture. */
  async #picture(reference: string): Promise<Buffer> {
    const id = reference.replace(/^comfy:\/\/(images|tasks)\//, "");
    const task = /-\d+$/.test(id) ? undefined : await this.get(id).catch(() => undefined);
    const first = task ? imagesOf(task)[0]?.id : id;
    const { bytes } = await this.original(first ?? id);
    return bytes;
  }

  get #only(): string | undefined {
    return this.caller.isAdmin ? undefined : this.caller.name;
  }

  #own(filter: TaskFilter): TaskFilter {
    const only = this.#only;
    return only === undefined ? filter : { ...filter, caller: only };
  }
}
