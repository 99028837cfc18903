import type { AppError } from "../errors.ts";
import type { RunProgress } from "./execution.ts";
import type { Timing } from "./paces.ts";
import type { NodeOutput } from "./protocol.ts";

/** Where a run is, for whoever shows it. */
export type RunStatus =
  | { phase: "queued"; ahead?: number; stalled?: boolean }
  | { phase: "running"; progress: RunProgress }
  /** ComfyUI cannot be asked right now; the run may well go on there. */
  | { phase: "waiting"; since: Date; reason: string };

/** A picture of a run on its way to a result. */
export interface Preview {
  bytes: Buffer;
  mimeType: "image/jpeg" | "image/png";
}

export type Outcome =
  | {
      kind: "completed";
      outputs: Record<string, NodeOutput>;
      /** Results that came over the socket, by node id. */
      images: Record<string, Buffer[]>;
      cached: ReadonlySet<string>;
      blocked: string | undefined;
      /** How long it took, where its events told all of it. */
      timing?: Timing;
    }
  | { kind: "failed"; error: AppError }
  | { kind: "interrupted" }
  /** `removed`: taken from the queue while the server stood; else it was lost with a restart. */
  | { kind: "gone"; removed: boolean };
