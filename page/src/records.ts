import type { Activity } from "../../src/tasks/activity.ts";
import type { TaskState } from "../../src/tasks/state.ts";

/** What the server says, as `docs/rest.md` has it. */

export interface PictureRecord {
  id: string;
  width: number;
  height: number;
  seed?: number | null;
  /** Mean colour, 6 hex digits. */
  color?: string | null;
  mime_type: string;
  bytes: number;
  has_alpha?: boolean;
  prompt?: string | null;
  cached?: boolean;
  /** Where it is for whoever has no key, for a while. */
  url?: string | null;
}

export interface InputRecord {
  id: string;
  width: number;
  height: number;
  mime_type: string;
  origin?: string | null;
}

export interface Progress {
  phase: "queued" | "waiting" | "running";
  activity?: Activity | null;
  /** 0..1 over the whole task. */
  fraction: number;
  done: number;
  count: number;
  step?: number | null;
  steps?: number | null;
  ahead?: number | null;
  message: string;
  seconds_left?: number | null;
}

export interface Way {
  label: string;
  set: Record<string, unknown>;
}

export interface ErrorRecord {
  code: string;
  message: string;
  parameter?: string | null;
  detail?: string | null;
  ways?: Way[] | null;
}

export interface Task {
  id: string;
  tool: string;
  workflow: string;
  workflow_title?: string | null;
  state: TaskState;
  client?: string | null;
  via?: string | null;
  label?: string | null;
  created_at: string;
  started_at?: string | null;
  finished_at?: string | null;
  prompt?: string | null;
  count: number;
  width?: number | null;
  height?: number | null;
  arguments: Record<string, unknown>;
  backend?: string | null;
  images: PictureRecord[];
  inputs?: Record<string, InputRecord> | null;
  progress?: Progress | null;
  warnings?: string[] | null;
  error?: ErrorRecord | null;
}

export interface TaskPage {
  tasks: Task[];
  next_cursor?: string | null;
}

export interface Me {
  name?: string | null;
  scopes: string[];
  version: string;
  demo?: boolean;
  mcp_url?: string | null;
}

export interface Tool {
  name: string;
  title: string;
  description: string;
  ready?: boolean | null;
  input_schema: { properties?: Record<string, Record<string, unknown>>; required?: string[] };
  workflows: string[];
}

export interface Parameter {
  name: string;
  type: string;
  default?: unknown;
  minimum?: number | null;
  maximum?: number | null;
  choices?: unknown[] | null;
}

export interface MissingFile {
  file: string;
  folder?: string | null;
  source?: string | null;
  url?: string | null;
}

export interface MissingNode {
  class: string;
  pack?: string | null;
  source?: string | null;
  /** Where it can be opened. */
  url?: string | null;
}

export interface Workflow {
  name: string;
  tool: string;
  title: string;
  description?: string;
  ready?: boolean | null;
  parameters: Parameter[];
  takes?: string[];
  lacks?: { text: string; files: MissingFile[]; nodes: MissingNode[] } | null;
  seconds?: number | null;
}

export interface Workflows {
  problem?: string | null;
  workflows: Workflow[];
  faults?: { file: string; reason: string }[];
}

export interface Style {
  name: string;
  title: string;
  group?: string | null;
}

export interface BackendRecord {
  name: string;
  state: "ready" | "painting" | "draining" | "away";
  gpu?: string | null;
  vram_total?: number | null;
  vram_free?: number | null;
  running?: number | null;
  waiting?: number | null;
  version?: string | null;
  problem?: string | null;
  /** Model files of the last picture it was given. */
  loaded?: string | null;
  /** Milliseconds a sampling step takes, by workflow. */
  step_ms?: Readonly<Record<string, number>>;
}

export interface Upload {
  id: string;
  width: number;
  height: number;
  mime_type: string;
}

export interface Deletion {
  tasks: number;
  images: number;
  bytes: number;
}

/** What the stream of events says; `open`: it is connected. */
export type StudioEvent =
  | { event: "open" }
  | { event: "state"; task: Task }
  | { event: "progress"; task_id: string; progress: Progress }
  | { event: "preview"; task_id: string; frame: number; picture: number }
  | { event: "deleted"; task_ids: string[] }
  | { event: "backends"; backends: BackendRecord[] }
  | { event: "reset" };

export function hasEnded(task: Task): boolean {
  return task.state !== "queued" && task.state !== "running";
}
