import type { Task } from "../../tasks/task.ts";
import { keptCall } from "../shared/kept-call.ts";

/** What this face keeps with a task, to show it in its own words. */
export interface Call {
  /** Whose face it is: records of other faces have other shapes. */
  face: "fooocus";
  /** Every field that was given, with pictures as `u` and their hash, and what was decided here. */
  params: Record<string, unknown>;
  /** What had no effect. */
  warnings: string[];
  /** Where the caller reaches this server. */
  base: string;
  /** The older server's name of what was asked for; unset for calls of the newer one. */
  job?: string;
}

export function callOf(task: Task): Call | undefined {
  return keptCall<Call>(task, "fooocus");
}
