import type { Reach } from "../files/roots.ts";
import type { ResolveOptions } from "../images/source.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import { priorityOf } from "./priority.ts";
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
  /** -100 to 100 (default 0): the higher goes first; see `Asker.isOverAll`. */
  priority?: number | undefined;
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
function labelled({ label, call }: SubmitOptions): Pick<Task, "label" | "call"> {
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
  /** Its priorities count before everybody's tasks, not its own alone. */
  isOverAll: boolean;
  /** What it may give as an input. */
  sources: ResolveOptions;
}

/** Who asks and how, as it is recorded. Throws `invalid_input`. */
export function askedBy({ caller, client, via, isOverAll }: Asker, options: SubmitOptions) {
  const priority = priorityOf(options.priority, isOverAll);
  return {
    caller,
    ...(client === undefined ? {} : { client }),
    ...(via === undefined ? {} : { via }),
    ...labelled(options),
    ...(priority ? { priority } : {}),
  };
}
