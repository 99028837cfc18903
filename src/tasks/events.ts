import { setMaxListeners } from "node:events";
import type { RunFrame } from "../comfy/run-request.ts";
import type { TaskProgress } from "./progress.ts";
import { isTerminal } from "./state.ts";
import type { Task } from "./task.ts";

/** A picture on its way, as ComfyUI shows it between two steps. */
export interface LivePreview {
  bytes: Buffer;
  mimeType: string;
  /** Grows with each one of a task. */
  frame: number;
  /** Of the pictures asked for, the one it becomes; from 1. */
  picture: number;
}

/** What happens to a task, in the order in which a reader needs it. */
export type TaskEvent =
  /** A record was written: new, another state, another picture. */
  | { kind: "state"; id: string; task: Task }
  | { kind: "progress"; id: string; progress: TaskProgress }
  | { kind: "preview"; id: string; preview: LivePreview }
  /** Of a graph that was handed in, node by node; each is told, in its order. */
  | { kind: "frame"; id: string; frame: RunFrame }
  | { kind: "deleted"; id: string }
  /** To one reader, first of all: what it has missed cannot be told. */
  | { kind: "reset"; id: "" };

/** As a reader gets it: who goes on from `mark` misses nothing, and may be told a little twice. */
export type ToldEvent = TaskEvent & { mark: number };

export interface EventsOptions {
  signal?: AbortSignal | undefined;
  /** The least time between two deliveries; what comes meanwhile is folded. @default 250 */
  everyMs?: number | undefined;
  /** Where nothing happens, progress is told again after this time. @default never */
  heartbeatMs?: number | undefined;
  /** Live previews are wanted too: they cost ComfyUI an encoding at every step. @default false */
  previews?: boolean | undefined;
  /** How far it is; who only waits for its end need not be woken for that. @default true */
  progress?: boolean | undefined;
  /** Records are told only at their end. @default false */
  endsOnly?: boolean | undefined;
  /** What single nodes do is wanted too. @default false */
  frames?: boolean | undefined;
}

/** What a reader wants to hear of. */
export interface Interest {
  /** One task; unset: all of them. */
  id?: string | undefined;
  /** Only this caller's. */
  caller?: string | undefined;
}

/** Tells whether somebody reads of tasks, for whoever has to fetch their news from elsewhere. */
export interface EventSources {
  progressOf(id: string): TaskProgress | undefined;
  /** Called when the first reader comes, and when the last one goes. */
  watched(interest: Interest, on: boolean): void;
}

/** One stream of events for everyone who waits, shows or reports; each reader gets the newest. */
export class TaskEvents {
  readonly #sources: EventSources;
  /** By the task they read of; under "" those of all tasks. */
  readonly #readers = new Map<string, Set<Reader>>();
  /** Unfinished tasks whose previews are wanted before anybody reads of them. */
  readonly #expected = new Set<string>();
  readonly #listeners = new Set<(task: Task) => void>();
  readonly #closing = new AbortController();

  constructor(sources: EventSources) {
    this.#sources = sources;
    setMaxListeners(0, this.#closing.signal);
  }

  /** Whether anybody would see a preview of this task. */
  wantsPreviews(id: string): boolean {
    return this.#expected.has(id) || this.#readersOf(id).some(({ previews }) => previews);
  }

  /** Somebody will read of the task and its previews, who cannot before it has an id. */
  expectPreviews(id: string): void {
    this.#expected.add(id);
  }

  /** For whoever counts and shows nothing: it makes no task a watched one. */
  onWrote(listener: (task: Task) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  wrote(task: Task): void {
    if (isTerminal(task.state)) this.#expected.delete(task.id);
    for (const listener of this.#listeners) listener(task);
    this.#tell(task.id, task.caller, { kind: "state", id: task.id, task });
  }

  /** What it is now is read when a reader is ready for it. */
  progressed(id: string, caller: string): void {
    this.#tell(id, caller, { kind: "progress", id });
  }

  previewed(id: string, caller: string, preview: LivePreview): void {
    this.#tell(id, caller, { kind: "preview", id, preview });
  }

  framed(id: string, caller: string, frame: RunFrame): void {
    this.#tell(id, caller, { kind: "frame", id, frame });
  }

  deleted(id: string, caller: string): void {
    this.#expected.delete(id);
    this.#tell(id, caller, { kind: "deleted", id });
  }

  /** As `deleted`, to those who read of this task alone: whose it was is not known any more. */
  gone(id: string): void {
    for (const reader of this.#readers.get(id) ?? []) reader.add({ kind: "deleted", id });
  }

  /**
   * What happens from now on, after what `where` says. The stream about one task ends after its
   * end; the one about all of them ends with `signal`. Both end when the server closes.
   */
  async *read(
    interest: Interest,
    { signal, everyMs = 250, heartbeatMs, ...wanted }: EventsOptions,
    where: () => Promise<TaskEvent[]>,
  ): AsyncGenerator<ToldEvent> {
    const reader = new Reader(interest, wanted);
    const key = interest.id ?? "";
    const readers = this.#readers.get(key) ?? new Set();
    this.#readers.set(key, readers.add(reader));
    this.#sources.watched(interest, true);
    const ended = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    try {
      // Asked only now, so that nothing falls between the answer and the stream.
      for (const event of await where()) reader.addFirst(event);
      while (!ended.aborted) {
        const mark = reader.emptyAt;
        const events = reader.take();
        yield* this.#whole(events).map((event) => ({ ...event, mark }));
        if (interest.id !== undefined && events.some(isLast)) return;
        await reader.wait(everyMs, heartbeatMs, ended);
      }
    } finally {
      readers.delete(reader);
      if (readers.size === 0 && this.#readers.get(key) === readers) this.#readers.delete(key);
      this.#sources.watched(interest, false);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  #tell(id: string, caller: string, event: Pending): void {
    for (const reader of this.#readersOf(id)) {
      if ((reader.interest.caller ?? caller) === caller) reader.add(event);
    }
  }

  #readersOf(id: string): Reader[] {
    return [...(this.#readers.get(id) ?? []), ...(this.#readers.get("") ?? [])];
  }

  #whole(events: readonly Pending[]): TaskEvent[] {
    return events.flatMap((event): TaskEvent[] => {
      if (event.kind !== "progress" || "progress" in event) return [event as TaskEvent];
      const progress = this.#sources.progressOf(event.id);
      return progress ? [{ ...event, progress }] : [];
    });
  }
}

type Pending = TaskEvent | { kind: "progress"; id: string };

function isLast(event: Pending): boolean {
  return event.kind === "deleted" || (event.kind === "state" && isTerminal(event.task.state));
}

type Wanted = Pick<EventsOptions, "previews" | "progress" | "endsOnly" | "frames">;

/** A reader that is this far behind is told no more how far nodes are, only what they did. */
const mostFrames = 1_000;

function isPassing(frame: RunFrame): boolean {
  if (frame.kind === "picture") return !frame.isResult;
  if (frame.kind === "text") return true;
  return frame.message.type === "progress" || frame.message.type === "progress_state";
}

/** The newest of each kind and task that one reader has not had yet. */
class Reader {
  readonly interest: Interest;
  readonly previews: boolean;
  readonly #progress: boolean;
  readonly #endsOnly: boolean;
  readonly #frames: boolean;
  #frameCount = 0;
  readonly #pending = new Map<string, Pending>();
  #wake: () => void = () => {};
  #takenAt = 0;
  /** All that happened before this time has been taken. */
  emptyAt = Date.now();

  constructor(
    interest: Interest,
    { previews = false, progress = true, endsOnly = false, frames = false }: Wanted,
  ) {
    this.#frames = frames;
    this.interest = interest;
    this.previews = previews;
    this.#progress = progress;
    this.#endsOnly = endsOnly;
  }

  add(event: Pending): void {
    if (event.kind === "preview" && !this.previews) return;
    if (event.kind === "progress" && !this.#progress) return;
    if (event.kind === "state" && this.#endsOnly && !isLast(event)) return;
    if (event.kind === "frame") return this.#addFrame(event);
    const key = `${event.kind} ${event.id}`;
    const isFirst = this.#pending.size === 0;
    // Moved to the end: what is newest of all comes last.
    this.#pending.delete(key);
    this.#pending.set(key, event);
    // Who waits for the time of the next delivery need not hear of each event until then.
    if (isFirst || isLast(event)) this.#wake();
  }

  #addFrame(event: Extract<Pending, { kind: "frame" }>): void {
    if (!this.#frames || (this.#pending.size > mostFrames && isPassing(event.frame))) return;
    this.#frameCount += 1;
    this.#pending.set(`frame ${this.#frameCount}`, event);
    this.#wake();
  }

  /** Where a task was before; what has happened since is newer. */
  addFirst(event: Pending): void {
    if (!this.#pending.has(`${event.kind} ${event.id}`)) this.add(event);
  }

  take(): Pending[] {
    this.emptyAt = Date.now();
    if (this.#pending.size === 0) return [];
    this.#takenAt = Date.now();
    const all = [...this.#pending.values()];
    this.#pending.clear();
    // Of a task that has ended its end, and what its nodes did, is all there is to say.
    const over = new Set(all.filter(isLast).map((event) => event.id));
    return all.filter((event) => event.kind === "frame" || !over.has(event.id) || isLast(event));
  }

  /**
   * Resolves when there is something to take: at once for an end, else spaced; where there is
   * nothing for `limitMs`, the progress of the one task is.
   */
  async wait(everyMs: number, limitMs: number | undefined, signal: AbortSignal): Promise<void> {
    const dueAt = this.#takenAt + everyMs;
    const givenUpAt = limitMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + limitMs;
    while (!signal.aborted) {
      const now = Date.now();
      const isUrgent = [...this.#pending.values()].some(isLast);
      if (isUrgent || (this.#pending.size > 0 && now >= dueAt)) return;
      if (this.#pending.size === 0 && now >= givenUpAt) return this.#remind();
      await this.#woken(this.#pending.size > 0 ? dueAt - now : givenUpAt - now, signal);
    }
  }

  #remind(): void {
    const { id } = this.interest;
    if (id !== undefined) this.add({ kind: "progress", id });
  }

  #woken(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(done, Math.max(0, ms)) : undefined;
      const wake = done;
      function done() {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        resolve();
      }
      this.#wake = done;
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
