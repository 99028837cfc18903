import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Interest, LivePreview, TaskEvent, TaskEvents } from "./events.ts";
import type { LiveTasks } from "./live-tasks.ts";
import type { TaskProgress } from "./progress.ts";
import { Rounds } from "./rounds.ts";
import { isTerminal } from "./state.ts";
import type { Glimpse, News, TaskStore } from "./store/store.ts";
import type { Task } from "./task.ts";

/** How often others' changes are looked for, and how far one's own tasks are is shown. */
const paces = {
  /** Where every look and every showing is a question to a file. */
  asked: { lookMs: 500, showMs: 500 },
  /** Where the store tells when there is something to see; the look is for what it forgot to tell. */
  told: { lookMs: 2_000, showMs: 100 },
};
/** Longer than a beat, in which a server learns that it is looked at. */
const wantedForMs = 10_000;
/** Who asks once how far a task is waits this long at most, and has the next answers at once. */
const firstGlimpseMs = 400;
const onceForMs = 5_000;
/** Glimpses become visible a little after their time stamp, and not in its order. */
const lateMs = 1_000;

export interface ElsewhereParts {
  store: TaskStore;
  events: TaskEvents;
  live: Pick<LiveTasks, "get" | "all">;
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
  readonly #pace: { lookMs: number; showMs: number };
  readonly #arrivals = new EventTarget();
  #looking: Rounds | undefined;
  #showing: Rounds | undefined;
  #mark: number | undefined;
  #seen = 0;
  /** The newest glimpse of each task that has been told, and whose it is. */
  readonly #told = new Map<string, { at: number; caller: string }>();
  /** Tasks at work elsewhere whose record has been looked at since somebody reads of them. */
  readonly #known = new Set<string>();
  #shown = new Map<string, string>();
  #wantedAt = 0;
  /** Tasks of this server that somebody elsewhere looks at; "*" for all of them. */
  #seenElsewhere: ReadonlySet<string> = new Set();

  constructor(parts: ElsewhereParts) {
    this.#parts = parts;
    this.#pace = parts.store.onNews ? paces.told : paces.asked;
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
    this.#looking ??= new Rounds(() => this.#look(), this.#parts.log, {
      everyMs: this.#pace.lookMs,
    });
    if (on && this.#parts.store.onNews) this.#looking.hurry();
  }

  /** What the store tells of the others. */
  heard(news: News): void {
    if (news === "watched") this.show().catch((error) => this.#parts.log.debug(messageOf(error)));
    else this.#looking?.hurry();
  }

  /**
   * For somebody who asks once how far a task is. Where another server works on it, resolves when
   * that has shown it, or soon.
   */
  async askOnce({ id, state }: Task): Promise<void> {
    const isKnown = this.#parts.live.get(id) ?? this.#progress.get(id);
    if (!this.#parts.store.onNews || isTerminal(state) || isKnown) return;
    this.watched({ id }, true);
    setTimeout(() => this.watched({ id }, false), onceForMs).unref();
    const over = new AbortController();
    const late = delay(firstGlimpseMs, undefined, { signal: over.signal }).catch(() => {});
    await Promise.race([once(this.#arrivals, id, { signal: over.signal }).catch(() => {}), late]);
    over.abort();
  }

  isSeen(id: string): boolean {
    return this.#seenElsewhere.has("*") || this.#seenElsewhere.has(id);
  }

  /** Called with every beat: whom others look at is shown until the next one. */
  async show(): Promise<void> {
    const wanted = await this.#parts.store.wantedGlimpses(this.#parts.serverId());
    this.#seenElsewhere = new Set(wanted);
    if (wanted.length > 0) {
      this.#showing ??= new Rounds(() => this.#showAll(), this.#parts.log, {
        everyMs: this.#pace.showMs,
      });
      if (this.#parts.store.onNews) this.#showing.hurry();
      return;
    }
    this.#showing?.close();
    this.#showing = undefined;
  }

  close(): void {
    this.#stopLooking();
    this.#showing?.close();
  }

  #stopLooking(): void {
    this.#looking?.close();
    this.#looking = undefined;
    this.#mark = undefined;
    this.#seen = 0;
    this.#told.clear();
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
      await store.wantGlimpses(this.#parts.serverId(), ids ?? ["*"], wantedForMs);
    }
    const { mark, changed, erased } = await store.changes(this.#mark ?? undefined);
    this.#mark = mark;
    await this.#catchUp(ids ?? []);
    const isForeign = (id: string) => !this.#parts.live.get(id) && (ids?.includes(id) ?? true);
    for (const task of changed) if (isForeign(task.id)) events.wrote(task);
    for (const { task, caller } of erased) events.deleted(task, caller);
    for (const glimpse of await store.glimpses(ids, this.#seen - lateMs)) {
      this.#seen = Math.max(this.#seen, glimpse.at);
      if (isForeign(glimpse.task)) await this.#tell(glimpse);
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
    const told = this.#told.get(id);
    if (told && told.at >= at) return;
    const caller = told?.caller ?? (await store.get(id))?.caller;
    if (caller === undefined) return;
    this.#told.set(id, { at, caller });
    const progress = progressIn(text);
    this.#progress.set(id, progress);
    events.progressed(id, caller);
    if (shown) this.#tellPreview(id, caller, at, progress, shown);
    this.#arrivals.dispatchEvent(new Event(id));
  }

  #tellPreview(
    id: string,
    caller: string,
    at: number,
    progress: TaskProgress,
    shown: NonNullable<Glimpse["preview"]>,
  ): void {
    const { mimeType, base64 } = shown;
    const picture = Math.min(progress.done + 1, progress.count);
    const preview = { bytes: Buffer.from(base64, "base64"), mimeType, frame: at, picture };
    this.#previews.set(id, preview);
    this.#parts.events.previewed(id, caller, preview);
  }

  async #showAll(): Promise<void> {
    for (const live of this.#parts.live.all()) {
      const { id, board, record, preview } = live;
      if (live.isLost || !this.isSeen(id)) continue;
      const progress = JSON.stringify(board.read(record));
      const text = `${progress} ${preview?.frame ?? 0}`;
      if (this.#shown.get(id) === text) continue;
      this.#shown.set(id, text);
      await this.#parts.store.showGlimpse({
        task: id,
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
    ? "Another comfy-easel with the same records works on it, or this one is about to take it up; how far it is, is not known here."
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
