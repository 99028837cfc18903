import type { Pool } from "../comfy/pool.ts";
import type { RunFrame } from "../comfy/run-request.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import type { LivePreview } from "./events.ts";
import type { HandOver } from "./hand-over.ts";
import type { LiveTask } from "./live-task.ts";
import type { NamedFiles } from "./named-files.ts";

/** What runs need of this server on their way to their end. */
export interface DrivePorts {
  pool: Pool;
  handOver: HandOver;
  images: ImageStore;
  files: NamedFiles;
  log: Log;
  /** Pictures come over the socket and leave no file on the ComfyUI machine. */
  deliverBySocket: boolean;
  /** False when this server may have been taken for dead. */
  mayWork(): boolean;
  /** Carries out what other servers want of this one's tasks. */
  lookForWishes(): Promise<void>;
  /** Whether somebody would see a preview. */
  wantsPreviews(taskId: string): boolean;
  progressed(live: LiveTask): void;
  previewed(live: LiveTask, preview: LivePreview): void;
  framed(live: LiveTask, frame: RunFrame): void;
}
