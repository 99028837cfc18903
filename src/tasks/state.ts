/** A task's life. Faces map these words to their own by a table, never by an `if`. */
export const taskStates = ["queued", "running", "completed", "failed", "cancelled"] as const;
export type TaskState = (typeof taskStates)[number];

const next: Record<TaskState, readonly TaskState[]> = {
  queued: ["running", "completed", "failed", "cancelled"],
  running: ["completed", "failed", "cancelled"],
  completed: [],
  failed: [],
  cancelled: [],
};

export function isTerminal(state: TaskState): boolean {
  return next[state].length === 0;
}

export function canFollow(following: TaskState, current: TaskState): boolean {
  return next[current].includes(following);
}
