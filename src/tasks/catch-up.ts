import { missedSince } from "./elsewhere.ts";
import type { TaskEvent } from "./events.ts";
import type { TaskProgress } from "./progress.ts";
import type { TaskFilter, TaskStore } from "./store/store.ts";

/** Whoever begins to read is told how far this many are. */
const mostUnfinished = 100;

/**
 * What comes before the events of all tasks of a caller, or of everybody: what has happened since
 * the mark `after`, if there is one, and how far each is that has not ended.
 */
export async function catchUp(
  store: TaskStore,
  progressOf: (id: string) => TaskProgress | undefined,
  after: number | undefined,
  caller: string | undefined,
): Promise<TaskEvent[]> {
  const missed = after === undefined ? [] : await missedSince(store, after, caller);
  const filter: TaskFilter = { states: ["queued", "running"], ...(caller ? { caller } : {}) };
  const { tasks } = await store.list(filter, mostUnfinished);
  const progress = tasks.flatMap(({ id }): TaskEvent[] => {
    const now = progressOf(id);
    return now ? [{ kind: "progress", id, progress: now }] : [];
  });
  return [...missed, ...progress];
}
