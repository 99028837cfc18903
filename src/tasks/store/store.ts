import type { Outbox } from "../../webhooks/outbox.ts";
import type { Recipe } from "../../workflows/recipe.ts";
import type { TaskState } from "../state.ts";
import type { Task } from "../task.ts";
import type { Drains } from "./drains.ts";
import type { NameStore } from "./names.ts";

export interface TaskFilter {
  /** Only this caller's; unset: everybody's. */
  caller?: string;
  ids?: readonly string[];
  states?: readonly TaskState[];
  tool?: string;
  /** The faces they came through. */
  via?: readonly string[];
  /** A part of the prompt in any letter case, a seed, or the id of a task or picture. */
  text?: string;
  /** Created at or after; ISO 8601 UTC as stored. */
  since?: string;
  /** Created before. */
  before?: string;
}

export interface TaskPage {
  tasks: Task[];
  /** Hand it back to get the next page; missing on the last one. */
  cursor?: string;
}

/** A process that works on tasks of this store. */
export interface Server {
  id: string;
  /** Equal only where process ids mean the same; empty where that cannot be known. */
  host: string;
  pid: number;
}

/** Something that the server that works on a task must do. A deletion has concealed it already. */
export interface Wish {
  task: string;
  wish: "cancel" | "delete";
}

/** How far a task is and its newest preview, as its server shows them to the others. */
export interface Glimpse {
  task: string;
  /** By the clock of the store; grows with each one of a task. */
  at: number;
  /** A `TaskProgress` as JSON. */
  progress: string;
  preview?: { mimeType: string; base64: string };
}

/** What another server has written. */
export type News = "tasks" | "glimpses" | "watched" | "wishes";

/** What has happened to records, whoever changed them. */
export interface Changes {
  /** Hand it back to learn what follows. */
  mark: number;
  changed: Task[];
  erased: { task: string; caller: string }[];
  /** False when the mark is so old, or so much has changed, that this is not all of it. */
  isWhole: boolean;
}

/** Records of tasks, and which server works on them. Several servers may share one. */
export interface TaskStore {
  /** What whoever reads a record must know: that it is in memory only, or that older ones are gone. */
  readonly notice: string | undefined;
  /** Webhook messages on their way. */
  readonly outbox: Outbox;
  /** Of prompts and files, as callers know them; those of a task go with it. */
  readonly names: NameStore;
  readonly drains: Drains;
  /**
   * Stores a new task with its recipe. Undefined, or the task that the same caller has stored
   * under the same idempotency key, in which case nothing is stored.
   */
  insert(task: Task, recipe: Recipe): Promise<Task | undefined>;
  recipe(hash: string): Promise<Recipe | undefined>;
  /** For a task that is there and has none yet. */
  keepRecipe(hash: string, recipe: Recipe): Promise<void>;
  /** False when the record is not this server's any more: deleted, or taken over by another one. */
  update(task: Task): Promise<boolean>;
  get(id: string): Promise<Task | undefined>;
  withKey(caller: string, key: string): Promise<Task | undefined>;
  /** Newest first. Throws `invalid_input` for a cursor that is none. */
  list(filter: TaskFilter, limit: number, cursor?: string): Promise<TaskPage>;
  count(filter: TaskFilter): Promise<number>;
  /**
   * First half of a deletion: from here on the record is not seen or written any more, and its
   * files can be removed. Returns it as it was last written; undefined when it is gone.
   */
  conceal(id: string): Promise<Task | undefined>;
  /** Second half, when the files are gone. */
  erase(id: string): Promise<void>;
  /** Deletions of ended tasks that a crash left half done. */
  concealed(limit: number): Promise<Task[]>;
  /** How many tasks but this one use an input. */
  otherUsers(sha256: string, taskId: string): Promise<number>;
  /** Registers inputs before they are kept, so that nobody removes them until the task is there. */
  useInputs(taskId: string, sha256s: readonly string[]): Promise<void>;
  /** Takes that back for a task that was not stored after all. */
  dropInputs(taskId: string): Promise<void>;
  /** Inputs registered over `ageMs` ago for tasks that were never stored; they are dropped. */
  abandonedInputs(ageMs: number): Promise<string[]>;
  /** Keeps an input for a caller that has no task for it yet; again counts as new. */
  keepUpload(caller: string, sha256: string): Promise<void>;
  /** Whether it is an upload or belongs to a task of this caller; without one, of anybody. */
  hasInput(sha256: string, caller?: string): Promise<boolean>;
  /** Uploads older than `ageMs`; they are dropped, and only tasks keep their pictures. */
  expiredUploads(ageMs: number): Promise<string[]>;
  /** The tasks that ended, oldest first. */
  oldestEnded(limit: number): Promise<Task[]>;
  /** What the pictures of all tasks take on disk, or of one caller's. */
  totalBytes(caller?: string): Promise<number>;
  /** Says that this server lives for `leaseMs` from now. */
  beat(server: Server, leaseMs: number): Promise<void>;
  /** The servers that said so and have not left, dead ones among them. */
  servers(): Promise<Server[]>;
  /** Its tasks can be claimed from here on. */
  leave(serverId: string): Promise<void>;
  /**
   * Takes over unfinished tasks whose server has let its lease run out or left, concealed ones
   * among them; atomic. `wants` says which can be gone on with here. `live` is called before the
   * first is taken: what belongs to a server that has not said that it lives is anybody's.
   */
  claim(
    serverId: string,
    wants: (task: Task) => boolean,
    limit: number,
    live: () => Promise<void>,
  ): Promise<Task[]>;
  /** Asks whichever server works on the task, now or later, to cancel it. */
  wantCancel(taskId: string): Promise<void>;
  /** What is wanted of the tasks of a server. */
  wishes(serverId: string): Promise<Wish[]>;
  /** Asks the servers of these tasks ("*": of all) but `reader` to show how far they are, for `forMs`. */
  wantGlimpses(reader: string, taskIds: readonly string[], forMs: number): Promise<void>;
  /** Which of a server's tasks another server looks at; "*" when it is all of them. */
  wantedGlimpses(serverId: string): Promise<string[]>;
  showGlimpse(glimpse: Omit<Glimpse, "at">): Promise<void>;
  /** Those that are newer than `after`. */
  glimpses(taskIds: readonly string[] | undefined, after: number): Promise<Glimpse[]>;
  /** Records changed since a mark; without one, the mark of now. */
  changes(mark?: number): Promise<Changes>;
  /**
   * Calls `listener` soon after another server has written, until what is returned is called.
   * Missing where the store cannot tell, and has to be asked again and again.
   */
  readonly onNews?: ((listener: (news: News) => void) => () => void) | undefined;
  close(): Promise<void>;
}
