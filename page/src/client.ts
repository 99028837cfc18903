import type {
  BackendRecord,
  Deletion,
  ErrorRecord,
  Me,
  PictureRecord,
  StudioEvent,
  Style,
  Task,
  TaskPage,
  Tool,
  Upload,
  Workflows,
} from "./records.ts";

export interface NewTask {
  tool: string;
  arguments: Record<string, unknown>;
}

export interface TaskQuery {
  limit?: number;
  cursor?: string;
  q?: string;
  /** Faces, separated by commas. */
  via?: string;
  state?: string;
}

export interface PictureOptions {
  /** Pixels wide at most; the original when left out. */
  width?: number;
  download?: boolean;
}

/** All that the page asks of a studio. Over HTTP here; inside an MCP App by tool calls. */
export interface Client {
  me(): Promise<Me>;
  tools(): Promise<Tool[]>;
  workflows(): Promise<Workflows>;
  styles(): Promise<Style[]>;
  loras(): Promise<string[]>;
  models(): Promise<{ name: string; workflows?: string[] }[]>;
  backends(): Promise<BackendRecord[]>;
  submit(task: NewTask): Promise<Task>;
  tasks(query: TaskQuery): Promise<TaskPage>;
  task(id: string): Promise<Task>;
  /** The server's sentence about what it stopped. */
  cancel(id: string): Promise<string>;
  remove(ids: readonly string[], dryRun?: boolean): Promise<Deletion>;
  /** Ends when the connection does; what was missed comes first the next time. */
  events(signal: AbortSignal): AsyncIterable<StudioEvent>;
  upload(picture: Blob): Promise<Upload>;
  /** An address for `<img>`; at once where it needs no key. */
  picture(id: string, options?: PictureOptions): string | Promise<string>;
  /** An address for `<video>` and `<audio>`, of which they fetch parts. */
  media(picture: PictureRecord): string | Promise<string>;
  preview(taskId: string, frame: number): Promise<Blob | undefined>;
}

/** The studio refused, in its own words. */
export class Refused extends Error {
  override name = "Refused";
  readonly status: number;
  readonly record: ErrorRecord;
  /** Seconds after which asking again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(status: number, record: ErrorRecord, retryAfter?: number) {
    super(record.message);
    this.status = status;
    this.record = record;
    this.retryAfter = retryAfter;
  }
}

/** The studio could not be asked at all. */
export class Unreachable extends Error {
  override name = "Unreachable";
}
