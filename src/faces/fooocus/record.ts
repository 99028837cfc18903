import type { TaskProgress } from "../../tasks/progress.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import { callOf } from "./call.ts";
import { fields } from "./fields.ts";
import { outputPath } from "./names.ts";

/** A record as FooocusAPI shows it; `warnings` and `error` are ours, and only where there are any. */
export type FooocusRecord = Record<string, unknown>;

/** What is answered before anything is known: a client only reads the id. */
export function pendingRecord(task: Task): FooocusRecord {
  return {
    id: -1,
    task_id: task.id,
    req_params: {},
    in_queue_mills: -1,
    start_mills: -1,
    finish_mills: -1,
    task_status: "pending",
    progress: -1,
    preview: "",
    webhook_url: "",
    result: [],
    ...warningsOf(task),
  };
}

/** Of a task that waits, runs or has ended; `preview` as base64 while it runs. */
export function recordOf(
  task: Task,
  base: string,
  now: { progress?: TaskProgress | undefined; preview?: string | undefined } = {},
): FooocusRecord {
  const about = {
    task_id: task.id,
    req_params: paramsOf(task, base),
    in_queue_mills: Date.parse(task.createdAt),
  };
  const rest = { webhook_url: String(callOf(task)?.params["webhook_url"] ?? "") };
  if (task.state === "queued") {
    const unknown = { start_mills: null, finish_mills: null, task_status: null, progress: null };
    return { id: idOf(task), ...about, ...unknown, ...rest, result: null, ...warningsOf(task) };
  }
  const started = { ...about, start_mills: Date.parse(task.startedAt ?? task.createdAt) };
  if (task.state === "running") {
    return {
      id: -1,
      ...started,
      finish_mills: -1,
      task_status: "running",
      progress: Math.floor((now.progress?.fraction ?? 0) * 100),
      preview: now.preview ?? null,
      ...rest,
      result: urlsOf(task, base),
      ...warningsOf(task),
    };
  }
  return {
    id: idOf(task),
    ...started,
    finish_mills: Date.parse(task.finishedAt ?? task.createdAt),
    task_status: endOf(task),
    progress: 100,
    ...rest,
    result: urlsOf(task, base),
    ...(task.error && task.state === "failed" ? { error: task.error.message } : {}),
    ...warningsOf(task),
  };
}

/** A picture that was skipped leaves its task as finished as Fooocus does. */
function endOf(task: Task): string {
  if (task.state === "failed") return "failed";
  if (task.state === "completed") return "finished";
  const ended = task.runs.map(({ state }) => state);
  return ended.at(-1) === "completed" ? "finished" : "stop";
}

export function urlsOf(task: Task, base: string): string[] {
  return imagesOf(task).map((image) => `${base}/outputs/${outputPath(task, image)}`);
}

/** There, rows are counted; what clients need of it is that later ones are larger. */
function idOf(task: Task): number {
  return Date.parse(task.createdAt);
}

export function warningsOf(task: Task): { warnings?: string[] } {
  const warnings = [...(callOf(task)?.warnings ?? []), ...task.warnings];
  return warnings.length > 0 ? { warnings } : {};
}

/** Every field with the value that counted, its pictures as addresses here. */
export function paramsOf(task: Task, base: string): Record<string, unknown> {
  const given = callOf(task)?.params ?? { prompt: task.params["prompt"] ?? "" };
  const all = Object.entries(fields).map(([name, field]): [string, unknown] => {
    const value = given[name] ?? field.default;
    if (field.type === "image") return [name, addressOf(value, base)];
    if (name === "controlnet_image" && Array.isArray(value)) {
      return [name, value.map((each) => ({ ...each, cn_img: addressOf(each.cn_img, base) }))];
    }
    if (name === "aspect_ratios_selection") return [name, String(value).replace("*", "×")];
    return [name, value];
  });
  return Object.fromEntries(all);
}

function addressOf(value: unknown, base: string): string {
  const hash = /^u([0-9a-f]{64})$/.exec(String(value ?? ""))?.[1];
  return hash === undefined ? "" : `${base}/inputs/${hash}.png`;
}
