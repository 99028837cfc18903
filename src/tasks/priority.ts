import { refusal } from "../errors.ts";
import type { Task } from "./task.ts";

const most = 100;
/** Behind everything that ComfyUI numbers itself, which counts its prompts from 0. */
const behind = 1e9;

/** As it is recorded: whom a task goes before. */
export interface Priority {
  /** -100 to 100; the higher goes first. */
  level: number;
  /** Among the caller's own tasks, or among everybody's. */
  over: "own" | "all";
}

/** Checks a priority that was asked for; 0 is nothing to record. Throws `invalid_input`. */
export function priorityOf(asked: number | undefined, overAll: boolean): Priority | undefined {
  if (asked === undefined || asked === 0) return undefined;
  if (Number.isInteger(asked) && Math.abs(asked) <= most) {
    return { level: asked, over: overAll ? "all" : "own" };
  }
  throw refusal(`priority: ${asked} is not a whole number from -${most} to ${most}.`);
}

/** What of it counts before everybody, and what among the caller's own runs. */
export function rankOf({ priority }: Pick<Task, "priority">): { level: number; own: number } {
  if (!priority) return { level: 0, own: 0 };
  // Whoever lets others go first may do so.
  const isOverall = priority.over === "all" || priority.level < 0;
  return { level: isOverall ? priority.level : 0, own: priority.level };
}

/** ComfyUI's `number`, by which its queue is sorted; undefined lets it count. */
export function numberFor(task: Pick<Task, "priority">): number | undefined {
  const { level } = rankOf(task);
  if (level === 0) return undefined;
  return level > 0 ? -level : behind - level;
}
