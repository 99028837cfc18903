import type { Task } from "../../tasks/task.ts";
import { callOf } from "./call.ts";
import { errorOf, percentOf, secondsOf } from "./state.ts";

/** Where messages go below the address that a caller gives. */
const path = "task-progress";

/** What a webhook of this face is told, while the task is on its way and at its end. */
export const webhookShape = {
  ended: (task: Task) => body(task, percentOf(task)),
  progress: (task: Task, fraction: number) => body(task, percentOf(task, fraction)),
};

function body(task: Task, progress: number): string {
  return JSON.stringify({
    task_id: callOf(task)?.number,
    progress,
    execution_time: secondsOf(task),
    error: errorOf(task),
  });
}

/** `given` with the path of messages; what is no address is left for whoever checks it. */
export function webhookAddress(given: string): string {
  if (!URL.canParse(given)) return given;
  const url = new URL(given);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${path}`;
  return url.href;
}

/** As the caller gave it. */
export function givenAddress(address: string): string {
  return address.replace(new RegExp(`/${path}(?=[?#]|$)`), "");
}
