import type { Task } from "../../tasks/task.ts";
import { keptCall } from "../shared/kept-call.ts";

/** Where a flow's results come from. */
export interface FlowOutput {
  /** As clients know it: a whole number. */
  id: number;
  /** Of the graph. */
  node: string;
  type: "image" | "image-animated" | "video" | "audio" | "text" | "3d-model";
}

export interface InputFile {
  parameter: string;
  /** Of the picture that is kept. */
  sha256: string;
  bytes: number;
}

/** What this face keeps with a task, to show it in its own words. */
export interface Call {
  /** Whose face it is: records of other faces have other shapes. */
  face: "visionatrix";
  /** The caller's number of the task. */
  number: number;
  flow: string;
  /** Texts as they were given. */
  params: Record<string, string | number>;
  files: InputFile[];
  outputs: FlowOutput[];
  group: number;
  priority: number;
  /** The task and the output node that this one goes on with. */
  parent?: { task: number; node: number };
  /** What had no effect. */
  warnings: string[];
}

export function callOf(task: Task): Call | undefined {
  return keptCall<Call>(task, "visionatrix");
}

const levelsOfGroup = 16;
const highest = 100;

/** What goes first here: a higher group, then a higher priority within it. */
export function levelOf({ group, priority }: Pick<Call, "group" | "priority">): number {
  return Math.min(highest, (group - 1) * levelsOfGroup + priority);
}
