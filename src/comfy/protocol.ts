/**
 * ComfyUI's wire types, in its own names. Read in and recorded from ComfyUI 0.33.0
 * (`server.py`, `execution.py`, `comfy_execution/jobs.py`, `protocol.py`); older and newer
 * servers differ where a field is optional here.
 */

/** A link `[node id, output slot]` or a literal. A literal array must be wrapped in `__value__`. */
export type Link = [nodeId: string, slot: number];
export type InputValue = Link | string | number | boolean | null | { [key: string]: unknown };

export interface GraphNode {
  class_type: string;
  inputs: Record<string, InputValue>;
  _meta?: { title?: string };
}

/** An API-format graph: what "Export (API)" writes and what POST /prompt takes as `prompt`. */
export type Graph = Record<string, GraphNode>;

export function isLink(value: unknown): value is Link {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === "string" &&
    typeof value[1] === "number"
  );
}

export interface PromptRequest {
  prompt: Graph;
  client_id?: string;
  /** Since 0.3.45; from 0.25.0 it must be a canonical lowercase UUID. Uniqueness is not checked. */
  prompt_id?: string;
  number?: number;
  front?: boolean;
  extra_data?: Record<string, unknown>;
  partial_execution_targets?: string[];
}

export interface ValidationError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

export type NodeErrors = Record<
  string,
  { class_type: string; dependent_outputs: string[]; errors: ValidationError[] }
>;

/** A 200 may still carry node errors: the outputs they concern were dropped from the run. */
export interface PromptResponse {
  prompt_id: string;
  number: number;
  node_errors: NodeErrors;
}

export interface PromptErrorResponse {
  error: ValidationError | string;
  node_errors: NodeErrors;
}

/** A file ComfyUI wrote, fetched by `/view` with these three fields. */
export interface OutputFile {
  filename: string;
  /** Some nodes leave it out. */
  subfolder?: string;
  type: "output" | "temp" | "input";
}

export type NodeOutput = Record<string, unknown>;

/** `[number, prompt_id, prompt, extra_data, outputs_to_execute]`. */
export type QueueItem = [number, string, Graph, Record<string, unknown>, string[]];

/** `queue_pending` is in heap order; the run order is by element 0. */
export interface QueueResponse {
  queue_running: QueueItem[];
  queue_pending: QueueItem[];
}

export interface HistoryStatus {
  status_str: "success" | "error";
  completed: boolean;
  messages: [string, Record<string, unknown>][];
}

export interface HistoryEntry {
  prompt: QueueItem;
  outputs: Record<string, NodeOutput>;
  meta?: Record<string, unknown>;
  status: HistoryStatus | null;
}

export type JobStatus = "pending" | "in_progress" | "completed" | "failed" | "cancelled";

/** GET /api/jobs/{id}, since 0.6.0. */
export interface Job {
  id: string;
  status: JobStatus;
  priority?: number;
  create_time?: number;
  execution_start_time?: number;
  execution_end_time?: number;
  execution_error?: ExecutionErrorData;
  outputs_count: number;
  outputs?: Record<string, NodeOutput>;
  execution_status?: HistoryStatus;
}

export interface SystemStats {
  system: { comfyui_version?: string; os?: string; [key: string]: unknown };
  devices: { name: string; type: string; [key: string]: unknown }[];
}

/** An input is `[type]` or `[type, options]`; a type that is an array is the list of choices. */
export type InputSpec = [string | unknown[], Record<string, unknown>?];

export interface NodeInfo {
  input: {
    required?: Record<string, InputSpec>;
    optional?: Record<string, InputSpec>;
    hidden?: Record<string, unknown>;
  };
  /** The order of the inputs by section: integer-like names lose theirs in an object. */
  input_order?: Record<string, string[]>;
  output: (string | unknown[])[];
  output_name?: string[];
  name: string;
  display_name?: string;
  python_module?: string;
  category?: string;
  output_node: boolean;
  deprecated?: boolean;
  api_node?: boolean;
}

export type ObjectInfo = Record<string, NodeInfo>;

export interface UploadResponse {
  name: string;
  subfolder: string;
  type: string;
}

export interface ExecutionErrorData {
  prompt_id: string;
  node_id: string;
  node_type: string;
  executed: string[];
  exception_message: string;
  exception_type: string;
  traceback: string[];
  current_inputs?: unknown;
  current_outputs?: unknown;
  timestamp?: number;
}

export interface NodeProgress {
  value: number;
  max: number;
  state: "running" | "finished" | "error" | "pending";
  node_id: string;
  prompt_id: string;
  display_node_id: string;
  parent_node_id: string | null;
  real_node_id: string;
}

/** JSON frames of `/ws`. Custom nodes add types of their own: readers ignore what they don't know. */
export type SocketMessage =
  | {
      type: "status";
      data: { status: { exec_info: { queue_remaining: number } }; sid?: string };
    }
  | { type: "feature_flags"; data: Record<string, unknown> }
  | { type: "execution_start"; data: { prompt_id: string; timestamp: number } }
  | {
      type: "execution_cached";
      data: { nodes: string[]; prompt_id: string; timestamp: number };
    }
  | {
      type: "executing";
      data: { node: string | null; display_node?: string; prompt_id?: string };
    }
  | {
      type: "progress";
      data: { value: number; max: number; prompt_id: string; node: string };
    }
  | {
      type: "progress_state";
      data: { prompt_id: string; nodes: Record<string, NodeProgress> };
    }
  | {
      type: "executed";
      data: {
        node: string;
        display_node: string;
        output: NodeOutput | null;
        prompt_id: string;
      };
    }
  | { type: "execution_success"; data: { prompt_id: string; timestamp: number } }
  | { type: "execution_error"; data: ExecutionErrorData }
  | {
      type: "execution_interrupted";
      data: {
        prompt_id: string;
        node_id: string;
        node_type: string;
        executed: string[];
        timestamp: number;
      };
    };

/** First four bytes of a binary frame, big-endian uint32 (`protocol.py`, `BinaryEventTypes`). */
export const binaryEvent = {
  /** uint32 format (1 JPEG, 2 PNG), then the image. Carries no prompt id. */
  previewImage: 1,
  /** uint32 length, node id, then UTF-8 text. */
  text: 3,
  /** uint32 length, JSON `PreviewMetadata`, then the image. Only after the flag was negotiated. */
  previewImageWithMetadata: 4,
} as const;

export const previewFormat = { jpeg: 1, png: 2 } as const;

export interface PreviewMetadata {
  node_id: string;
  prompt_id: string;
  display_node_id: string;
  parent_node_id: string | null;
  real_node_id: string;
  image_type: "image/jpeg" | "image/png";
}
