import type { Task } from "../records.ts";
import { whoAsked } from "./words.ts";

/** What came while nobody looked: made since then, and not from this page. */
export interface News {
  pictures: number;
  failed: number;
  /** "5 by Claude Desktop, 2 by Cursor". */
  by: string;
}

export function newsSince(tasks: readonly Task[], since: string | undefined): News {
  const fresh = tasks.filter((task) => isNew(task, since));
  const counts = new Map<string, number>();
  for (const task of fresh) {
    const who = whoAsked(task);
    if (who !== undefined) counts.set(who, (counts.get(who) ?? 0) + task.images.length);
  }
  const by = [...counts].filter(([, count]) => count > 0).map(([who, n]) => `${n} by ${who}`);
  return {
    pictures: fresh.reduce((sum, task) => sum + task.images.length, 0),
    failed: fresh.filter(({ state }) => state === "failed").length,
    by: by.join(", "),
  };
}

export function isNew(task: Task, since: string | undefined): boolean {
  if (since === undefined || task.via === "page" || !task.finished_at) return false;
  return task.finished_at > since;
}
