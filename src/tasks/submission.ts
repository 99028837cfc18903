import type { Reach } from "../files/roots.ts";
import type { ResolveOptions } from "../images/source.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import { word } from "./same-call.ts";
import type { Task } from "./task.ts";

/** What comes with a call beside the request itself. */
export interface SubmitOptions {
  webhook?: Webhook | undefined;
  /** The same key with the same call gives the same task; with another one it is refused. */
  idempotencyKey?: string | undefined;
  /** The caller's own word for the task. */
  label?: string | undefined;
  /** Kept as `Task.call`. */
  call?: Task["call"];
  /** The program that asks and the face it comes through, where they are not the caller's own. */
  client?: string | undefined;
  via?: string | undefined;
  /** The caller will look at live previews, which ComfyUI is asked for when a run begins. @default false */
  previews?: boolean | undefined;
  /** How long a ComfyUI that is being started may take before the call is refused. */
  patienceMs?: number | undefined;
  /** Rejects where the caller has no room for a new task; a call made before needs none. */
  admit?: (() => Promise<void>) | undefined;
  /** Aborted when the call is not wanted any more, before there is a task. */
  signal?: AbortSignal | undefined;
}

/** What is kept of a call beside what it asks for. */
export function labelled({ label, call }: SubmitOptions): Pick<Task, "label" | "call"> {
  return {
    ...(label === undefined ? {} : { label: word("label", label) }),
    ...(call ? { call } : {}),
  };
}

/** Who asks. */
export interface Asker {
  caller: string;
  client?: string | undefined;
  via?: string | undefined;
  /** The folders into which its pictures may be put; none for a remote one. */
  folders: Reach;
  /** May run graphs that are in no catalogue. */
  graphs: boolean;
  /** What it may give as an input. */
  sources: ResolveOptions;
}
