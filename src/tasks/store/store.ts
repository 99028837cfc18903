import type { Outbox } from "../../webhooks/outbox.ts";
import type { TaskState } from "../state.ts";
import type { Task } from "../task.ts";

export interface TaskFilter {
  ids?: readonly string[];
  states?: readonly TaskState[];
  tool?: string;
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
  host: string;
  pid: number;
}

export interface Claim {
  staleMs: number;
  limit: number;
  /** Only tasks of this ComfyUI … */
  backend: string;
  /** … and of these workflows, as `tool/name`. */
  workflows: readonly string[];
}

/** Records of tasks, and which server works on them. Several servers may share one. */
export interface TaskStore {
  /** What whoever reads a record must know: that it is in memory only, or that older ones are gone. */
  readonly notice: string | undefined;
  /** Webhook messages on their way. */
  readonly outbox: Outbox;
  insert(task: Task): Promise<void>;
  /** False when the record is not this owner's any more: deleted, or taken over by another server. */
  update(task: Task): Promise<boolean>;
  get(id: string): Promise<Task | undefined>;
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
  /** Deletions that a crash left half done. */
  concealed(limit: number): Promise<Task[]>;
  /** How many tasks but this one use an input. */
  otherUsers(sha256: string, taskId: string): Promise<number>;
  /** Registers inputs before they are kept, so that nobody removes them until the task is there. */
  useInputs(taskId: string, sha256s: readonly string[]): Promise<void>;
  /** The tasks that ended, oldest first. */
  oldestEnded(limit: number): Promise<Task[]>;
  /** What the pictures of all tasks take on disk. */
  totalBytes(): Promise<number>;
  /** Says that this server lives. */
  beat(server: Server): Promise<void>;
  /** The servers that said so and have not left, dead ones among them. */
  servers(): Promise<Server[]>;
  /** Its tasks can be claimed from here on. */
  leave(serverId: string): Promise<void>;
  /** Takes over unfinished tasks that match and whose server has not been heard of; atomic. */
  claim(owner: string, claim: Claim): Promise<Task[]>;
  close(): Promise<void>;
}
