import type { Task } from "../tasks/task.ts";

/** What to do instead: a call with these arguments changed; null leaves one out. */
export interface Way {
  label: string;
  set: Record<string, unknown>;
}

/** Most models still paint well at this many pixels a side. */
const modest = 1_024;
const smallest = 256;
const multiple = 64;

/** The ways out of a failed task that a person or a program can take, first choice first. */
export function waysOut(task: Task, workflows: number): Way[] {
  switch (task.error?.reason) {
    case "out_of_memory":
      return smallerSize(task);
    case "missing_choice":
      return workflows > 1
        ? [{ label: "Use another workflow", set: { workflow: null, model: null } }]
        : [];
    case undefined:
      return [];
  }
}

function smallerSize({ params }: Task): Way[] {
  const { width, height } = params;
  if (typeof width !== "number" || typeof height !== "number") return [];
  const longer = Math.max(width, height);
  const factor = longer > modest ? modest / longer : 0.75;
  const [w, h] = [width, height].map((side) =>
    Math.max(smallest, Math.round((side * factor) / multiple) * multiple),
  ) as [number, number];
  if (w >= width && h >= height) return [];
  return [{ label: `Paint at ${w} × ${h}`, set: { width: w, height: h } }];
}
