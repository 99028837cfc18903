import type { Task } from "../records.ts";
import { hasEnded } from "../records.ts";
import { ratioOf } from "./media.ts";
import { layWall, type WallLayout } from "./wall-layout.ts";
import { dayName } from "./words.ts";

export interface Day {
  name: string;
  tasks: readonly Task[];
  pictures: number;
  layout: WallLayout;
  /** From the top of the wall. */
  top: number;
}

export interface Wall {
  days: readonly Day[];
  height: number;
}

export const dayHeadHeight = 54;

/** Whether a task has something to hang: a picture, one in the making, or a reason why not. */
export function hangs(task: Task): boolean {
  return task.images.length > 0 || !hasEnded(task) || task.state === "failed";
}

/** How many frames a set has on the wall. */
export function framesOf(task: Task): number {
  return hasEnded(task) ? Math.max(1, task.images.length) : Math.max(1, task.count);
}

/** Days from the newest on, each with its rows. */
export function hangWall(tasks: readonly Task[], width: number, now: Date): Wall {
  const groups = new Map<string, Task[]>();
  for (const task of tasks) {
    const name = dayName(task.created_at, now);
    const group = groups.get(name);
    if (group) group.push(task);
    else groups.set(name, [task]);
  }
  let top = 0;
  const days = [...groups].map(([name, group]): Day => {
    const layout = layWall(
      group.map((task) => ({ pictures: framesOf(task), ratio: ratioOfTask(task) })),
      width,
    );
    const pictures = group.reduce((sum, task) => sum + task.images.length, 0);
    const day = { name, tasks: group, pictures, layout, top };
    top += dayHeadHeight + layout.height;
    return day;
  });
  return { days, height: top };
}

/** Very long pictures are held to what a row can show. */
export function ratioOfTask(task: Task): number {
  const [first] = task.images;
  const ratio = first ? ratioOf(first) : (task.width ?? 1) / (task.height ?? 1);
  return Math.min(4, Math.max(0.25, ratio));
}

export type Direction = "left" | "right" | "up" | "down" | "home" | "end";

export interface Spot {
  /** A picture's id, or that of a task without one. */
  key: string;
  /** Middle of the frame. */
  x: number;
  y: number;
}

/** Every frame on the wall with its place, in reading order. */
export function spotsOf({ days }: Wall): Spot[] {
  return days.flatMap((day) =>
    day.layout.rows.flatMap((row) =>
      row.sets.flatMap((set) => {
        const task = day.tasks[set.index];
        if (!task) return [];
        return Array.from({ length: framesOf(task) }, (_, i): Spot => {
          const across = set.width / set.columns;
          const down = row.height / set.rows;
          return {
            key: frameKey(task, i),
            x: set.left + across * ((i % set.columns) + 0.5),
            y: day.top + dayHeadHeight + row.top + down * (Math.floor(i / set.columns) + 0.5),
          };
        });
      }),
    ),
  );
}

export function frameKey(task: Task, i: number): string {
  return task.images[i]?.id ?? `${task.id}:${i}`;
}

/** Where an arrow leads: along the order, or to the nearest frame above or below. */
export function nextSpot(
  spots: readonly Spot[],
  from: string | undefined,
  direction: Direction,
): Spot | undefined {
  const at = spots.findIndex(({ key }) => key === from);
  const here = spots[at];
  if (!here || direction === "home") return spots[0];
  if (direction === "end") return spots.at(-1);
  if (direction === "left") return spots[Math.max(0, at - 1)];
  if (direction === "right") return spots[Math.min(spots.length - 1, at + 1)];
  const sign = direction === "down" ? 1 : -1;
  const beyond = spots.filter(({ y }) => (y - here.y) * sign > 2);
  // Straight up or down counts more than near: a row has frames of several heights.
  const way = ({ x, y }: Spot) => Math.abs(y - here.y) + 3 * Math.abs(x - here.x);
  return beyond.sort((a, b) => way(a) - way(b))[0] ?? here;
}
