import { messageOf } from "../errors.ts";
import type { SaveTo } from "../files/save-to.ts";
import { resultExtensions } from "../images/media.ts";
import type { Recipe } from "../workflows/recipe.ts";
import { type Announcer, progressSpacingMs } from "./announcer.ts";
import { erase } from "./deletion.ts";
import type { DrivePorts } from "./drive-ports.ts";
import type { TaskEvents } from "./events.ts";
import { LiveTask } from "./live-task.ts";
import { Runner } from "./runner.ts";
import type { TaskStore } from "./store/store.ts";
import { imagesOf, type Task } from "./task.ts";

export interface LiveTasksOptions
  extends Omit<DrivePorts, "wantsPreviews" | "progressed" | "previewed" | "framed"> {
  store: TaskStore;
  events: TaskEvents;
  announcer: Announcer;
  saver: SaveTo;
  /** Whether somebody looks at this task through another server. */
  isSeenElsewhere(id: string): boolean;
}

interface Entry {
  live: LiveTask;
  /** Settles when nothing of it is at work any more. */
  work: Promise<void>;
}

/** The tasks this server works on, each from its beginning here to its end on record. */
export class LiveTasks {
  readonly #options: LiveTasksOptions;
  readonly #runner: Runner;
  readonly #entries = new Map<string, Entry>();
  #isClosing = false;

  constructor(options: LiveTasksOptions) {
    this.#options = options;
    const { events } = options;
    this.#runner = new Runner({
      ...options,
      wantsPreviews: (id) => events.wantsPreviews(id) || options.isSeenElsewhere(id),
      progressed: ({ record }) => events.progressed(record.id, record.caller),
      previewed: ({ record }, preview) => events.previewed(record.id, record.caller, preview),
      framed: ({ record }, frame) => events.framed(record.id, record.caller, frame),
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Pictures that no ComfyUI has begun. */
  get waitingPictures(): number {
    let count = 0;
    for (const { live } of this.#entries.values()) {
      for (const { state } of live.draft.runs) if (state === "queued") count += 1;
    }
    return count;
  }

  get(id: string): LiveTask | undefined {
    return this.#entries.get(id)?.live;
  }

  all(): LiveTask[] {
    return [...this.#entries.values()].map(({ live }) => live);
  }

  /** Works on a stored task until its end. `resume`: an earlier process may have begun. */
  begin(task: Task, recipe: Recipe, resume: boolean): void {
    if (this.#isClosing) return;
    const live = new LiveTask(task, recipe, {
      log: this.#options.log,
      write: (record) => this.#options.store.update(record),
      ending: (draft) => this.#saveCopies(draft),
      announce: (draft) => this.#options.announcer.keep(draft),
      wrote: (record) => {
        this.#options.events.wrote(record);
        this.#options.announcer.written(record);
      },
      refused: (refused) => this.#refused(refused),
    });
    // Work that was given up before has to let go first.
    const before = this.#entries.get(task.id)?.work ?? Promise.resolve();
    const work = before.then(() => this.#bringToEnd(live, resume));
    this.#entries.set(task.id, { live, work });
    if (task.webhook) this.#announceProgress(live);
  }

  /** The end of all work on it here. */
  work(id: string): Promise<void> | undefined {
    return this.#entries.get(id)?.work;
  }

  /** Others may have taken everything: nothing is touched any more. */
  giveUp(): void {
    for (const live of this.all()) live.letGo();
  }

  /** Resolves when no work is left; ComfyUI goes on with what it has. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const works = [...this.#entries.values()].map(({ work }) => work);
    for (const live of this.all()) live.letGo();
    await Promise.allSettled(works);
  }

  #announceProgress({ id, record, leave }: LiveTask): void {
    const { events, announcer, log } = this.#options;
    const options = { everyMs: progressSpacingMs, endsOnly: true, signal: leave };
    announcer
      .follow(
        record,
        events.read({ id }, options, async () => []),
      )
      .catch((error) => log.debug(`webhook of task ${id}: ${messageOf(error)}`));
  }

  async #bringToEnd(live: LiveTask, resume: boolean): Promise<void> {
    try {
      await this.#runner.run(live, resume);
      await live.written();
    } catch (error) {
      this.#options.log.error(`task ${live.id}: ${messageOf(error)}`);
    }
    live.wasPosted();
    if (this.#entries.get(live.id)?.live === live) this.#entries.delete(live.id);
    this.#options.announcer.forget(live.id);
    if (live.isLost) await this.#endDeletion(live);
  }

  /** Puts the pictures where the caller also wants them; that it failed is told, not hidden. */
  async #saveCopies(task: Task): Promise<void> {
    const { images, saver } = this.#options;
    const made = imagesOf(task);
    if (!task.saveTo || task.savedTo || made.length === 0) return;
    try {
      const pictures = await Promise.all(
        made.map(async ({ id, mimeType }) => ({
          bytes: await images.readResult(id, mimeType),
          extension: resultExtensions[mimeType],
          name: id,
        })),
      );
      const { path, within, overwrite } = task.saveTo;
      task.savedTo = await saver.save("save_to", path, pictures, { roots: within, overwrite });
    } catch (error) {
      const note = `Not saved: ${messageOf(error)}`;
      if (!task.warnings.includes(note)) task.warnings.push(note);
    }
  }

  /** Deleted: its runs are stopped. Taken over: they go on, followed by the other server. */
  async #refused(live: LiveTask): Promise<void> {
    const taken = await this.#options.store.get(live.id).catch(() => undefined);
    if (taken === undefined) live.conceal();
    else live.letGo();
  }

  /** A task that was deleted while a run was letting go; one that was taken over is left alone. */
  async #endDeletion({ id, serverId, draft, leave }: LiveTask): Promise<void> {
    if (leave.aborted) return;
    const { store, images, log } = this.#options;
    try {
      if ((await store.get(id)) === undefined) await erase(store, images, { ...draft, id });
    } catch (error) {
      log.warn(`task ${id} of server ${serverId} is deleted only in part: ${messageOf(error)}`);
    }
  }
}
