import type { Task } from "../../tasks/task.ts";

/** What that face kept of the call with the task; undefined for a task of another face. */
export function keptCall<Call extends { face: string }>(
  { call }: Task,
  face: Call["face"],
): Call | undefined {
  // Each face writes its own alone, and JSON comes back as it was.
  return call?.["face"] === face ? (call as unknown as Call) : undefined;
}
