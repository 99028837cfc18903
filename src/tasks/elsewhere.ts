import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Interest, LivePreview, TaskEvent, TaskEvents } from "./events.ts";
import type { LiveTasks } from "./live-tasks.ts";
import type { TaskProgress } from "./progress.ts";
import type { Glimpse, TaskStore } from "./store/store.ts";
import type { Task } from "./task.ts";

/** Another process's changes are seen this soon. */
const lookMs = 500;
/** Longer than a beat, in which a server learns that it is looked at. */
const wantedForMs = 10_000;
const showMs = 500;

export interface ElsewhereParts {
  store: TaskStore;
  events: TaskEvents;
  live: Pick<LiveTasks, "get">;
  serverId(): string;
  log: Log;
}

/**
 * News between the servers of one store: what others do to tasks somebody here reads of, and how
 * far this server is with tasks somebody there reads of. Without readers nothing is asked.
 */
export class Elsewhere {
  readonly #parts: ElsewhereParts;
  readonly #readers = new Map<string, number>();
  readonly #progress = new Map<string, TaskProgress>();
  readonly #previews = new Map<string, LivePreview>();
  #looking: NodeJS.Timeout | undefined;
  #showing: NodeJS.Timeout | undefined;
  #mark: number | undefined;
  #seen = 0;
  /** Tasks at work elsewhere whose record has been looked at since somebody reads of them. */
  readonly #known = new Set<string>();
  #shown = new Map<string, string>();
  #wantedAt = 0;
  /** Tasks of this server that somebody elsewhere looks at. */
  #seenElsewhere: ReadonlySet<string> = new Set();

  constructor(parts: ElsewhereParts) {
    this.#parts = parts;
  }

  /** Of a task that another server works on, as it was last shown. */
  progressOf(id: string): TaskProgress | undefined {
    return this.#progress.get(id);
  }

  previewOf(id: string): LivePreview | undefined {
    return this.#previews.get(id);
  }

  watched({ id = "*" }: Interest, on: boolean): void {
    const readers = (this.#readers.get(id) ?? 0) + (on ? 1 : -1);
    if (readers > 0) this.#readers.set(id, readers);
    else this.#readers.delete(id);
    if (this.#readers.size === 0) return this.#stopLooking();
    // A reader of its own has come: others are asked at once.
    this.#wantedAt = 0;
    this.#looking ??= repeat(lookMs, () => this.#look(), this.#parts.log);
  }

  isSeen(id: string): boolean {
    return this.#seenElsewhere.has(id);
  }

  /** Called with every beat: whom others look at is shown until the next one. */
  async show(): Promise<void> {
    const wanted = await this.#parts.store.wantedGlimpses(this.#parts.serverId());
    this.#seenElsewhere = new Set(wanted);
    if (wanted.length > 0) {
      this.#showing ??= repeat(showMs, () => this.#showAll(), this.#parts.log);
      return;
    }
    clearInterval(this.#showing);
    this.#showing = undefined;
  }

  close(): void {
    this.#stopLooking();
    clearInterval(this.#showing);
  }

  #stopLooking(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
    this.#mark = undefined;
    this.#seen = 0;
    this.#known.clear();
    this.#progress.clear();
    this.#previews.clear();
  }

  /** The tasks read of that are not at work here; undefined: all. */
  #foreign(): string[] | undefined {
    if (this.#readers.has("*")) return undefined;
    return [...this.#readers.keys()].filter((id) => !this.#parts.live.get(id));
  }

  async #look(): Promise<void> {
    const ids = this.#foreign();
    if (ids?.length === 0) return;
    const { store, events } = this.#parts;
    if (Date.now() - this.#wantedAt > wantedForMs / 2) {
      this.#wantedAt = Date.now();
      await store.wantGlimpses(ids ?? ["*"], wantedForMs);
    }
    const { mark, changed, erased } = await store.changes(this.#mark ?? undefined);
    this.#mark = mark;
    await this.#catchUp(ids ?? []);
    const isForeign = (id: string) => !this.#parts.live.get(id) && (ids?.includes(id) ?? true);
    for (const task of changed) if (isForeign(task.id)) events.wrote(task);
    for (const { task, caller } of erased) events.deleted(task, caller);
    for (const glimpse of await store.glimpses(ids, this.#seen)) {
      this.#seen = Math.max(this.#seen, glimpse.at);
      if (!isForeign(glimpse.task)) continue;
      await this.#tell(glimpse);
    }
  }

  /** What happened before the first look: it may have ended, and gone, while this server slept. */
  async #catchUp(ids: readonly string[]): Promise<void> {
    const { store, events } = this.#parts;
    for (const id of this.#known) if (!ids.includes(id)) this.#known.delete(id);
    for (const id of ids) {
      if (this.#known.has(id)) continue;
      const task = await store.get(id);
      if (task) events.wrote(task);
      else events.gone(id);
      this.#known.add(id);
    }
  }

  async #tell({ task: id, at, progress: text, preview: shown }: Glimpse): Promise<void> {
    const { store, events } = this.#parts;
    const caller = (await store.get(id))?.caller;
    if (caller === undefined) return;
    const progress = progressIn(text);
    this.#progress.set(id, progress);
    events.progressed(id, caller);
    if (!shown) return;
    const { mimeType, base64 } = shown;
    const picture = Math.min(progress.done + 1, progress.count);
    const preview = { bytes: Buffer.from(base64, "base64"), mimeType, frame: at, picture };
    this.#previews.set(id, preview);
    events.previewed(id, caller, preview);
  }

  async #showAll(): Promise<void> {
    for (const id of this.#seenElsewhere) {
      const live = this.#parts.live.get(id);
      if (!live || live.isLost) continue;
      const { board, record, preview } = live;
      const progress = JSON.stringify(board.read(record));
      const text = `${progress} ${preview?.bytes.length ?? 0}`;
      if (this.#shown.get(id) === text) continue;
      this.#shown.set(id, text);
      await this.#parts.store.showGlimpse({
        task: id,
        at: Date.now(),
        progress,
        ...(preview
          ? { preview: { mimeType: preview.mimeType, base64: preview.bytes.toString("base64") } }
          : {}),
      });
    }
    for (const id of this.#shown.keys()) if (!this.#parts.live.get(id)) this.#shown.delete(id);
  }
}

/** Why nothing is known of how far an unfinished task is, on a server that uses `mine`. */
export function whyUnknown({ backends }: Task, mine: readonly string[]): string {
  return backends.some((url) => mine.includes(url))
    ? "Another comfy-easel on this data folder works on it, or this one is about to take it up; how far it is, is not known here."
    : `It is for the ComfyUI at ${backends.join(", ")}, and this server uses ${mine.join(", ")}; a server for that one goes on with it.`;
}

/** What has happened to the tasks of a caller, or of all, since a mark. */
export async function missedSince(
  store: TaskStore,
  mark: number,
  caller: string | undefined,
): Promise<TaskEvent[]> {
  const { changed, erased, isWhole } = await store.changes(mark);
  if (!isWhole) return [{ kind: "reset", id: "" }];
  const isMeant = (each: { caller: string }) => (caller ?? each.caller) === each.caller;
  return [
    ...changed.filter(isMeant).map((task): TaskEvent => ({ kind: "state", id: task.id, task })),
    ...erased.filter(isMeant).map(({ task }): TaskEvent => ({ kind: "deleted", id: task })),
  ];
}

/** Dates do not survive JSON. */
function progressIn(text: string): TaskProgress {
  const progress = JSON.parse(text);
  if (progress.status.since) progress.status.since = new Date(progress.status.since);
  return progress;
}

/** One round after another, and a round that fails is told and forgotten. */
function repeat(everyMs: number, round: () => Promise<void>, log: Log): NodeJS.Timeout {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    round()
      .catch((error) => log.debug(messageOf(error)))
      .finally(() => {
        isBusy = false;
      });
  }, everyMs);
  timer.unref();
  return timer;
}
