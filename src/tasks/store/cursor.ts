import { AppError } from "../../errors.ts";
import type { Task } from "../task.ts";

/** Where a page ends: time and id of its last task, opaque to callers. */
export function writeCursor(task: Task): string {
  return Buffer.from(JSON.stringify([task.createdAt, task.id])).toString("base64url");
}

export function readCursor(cursor: string): [createdAt: string, id: string] {
  try {
    const [time, id] = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (typeof time === "string" && typeof id === "string") return [time, id];
  } catch {
    // Falls through to the one message below.
  }
  throw new AppError(
    "invalid_input",
    `cursor: ${JSON.stringify(cursor.slice(0, 40))} is not one that a listing returned; leave it out to start at the newest.`,
  );
}
