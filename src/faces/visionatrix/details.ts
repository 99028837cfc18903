import type { Studio } from "../../studio/studio.ts";
import type { Task } from "../../tasks/task.ts";
import { type Call, callOf } from "./call.ts";
import { filesOf } from "./results.ts";
import { errorOf, percentOf, secondsOf } from "./state.ts";
import { givenAddress } from "./webhook.ts";

export type Details = Record<string, unknown>;

/** The tasks that were made from the one with this number. */
export type Children = (number: number) => readonly (readonly [number, Task])[];

/** As `TaskDetailsShort`; `warnings` is ours, and only where there are any. */
export function shortDetails(
  studio: Studio,
  number: number,
  task: Task,
  children: Children,
): Details {
  const call = callOf(task);
  const [run] = task.runs;
  const warnings = [...(call?.warnings ?? []), ...task.warnings];
  return {
    task_id: number,
    priority: call?.priority ?? 0,
    progress: percentOf(task, studio.progress(task.id)?.fraction),
    error: errorOf(task),
    name: call?.flow ?? task.workflow,
    input_params: call?.params ?? {},
    outputs: (call?.outputs ?? []).map((output) => outputOf(task, output)),
    input_files: (call?.files ?? []).map(({ parameter, bytes }) => ({
      file_name: `${number}_${parameter}.png`,
      file_size: bytes,
    })),
    locked_at: timeOf(task.startedAt),
    worker_id: run?.at?.backend ?? null,
    execution_time: secondsOf(task),
    group_scope: call?.group ?? 1,
    parent_task_id: call?.parent?.task ?? null,
    parent_task_node_id: call?.parent?.node ?? null,
    child_tasks: children(number).map(([child, each]) =>
      shortDetails(studio, child, each, children),
    ),
    translated_input_params: null,
    extra_flags: null,
    hidden: false,
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/** As `TaskDetails`. */
export async function wholeDetails(
  studio: Studio,
  number: number,
  task: Task,
  children: Children,
): Promise<Details> {
  const { webhook } = task;
  return {
    ...shortDetails(studio, number, task, children),
    created_at: timeOf(task.createdAt),
    updated_at: timeOf(task.finishedAt ?? task.startedAt),
    finished_at: timeOf(task.finishedAt),
    flow_comfy: await studio.numbered.graph(task),
    user_id: task.caller,
    webhook_url: webhook ? givenAddress(webhook.url) : null,
    webhook_headers: webhook?.headers ?? null,
    execution_details: null,
    custom_worker: null,
  };
}

function outputOf(task: Task, { id, type }: Call["outputs"][number]): object {
  const files = task.state === "completed" ? (filesOf(task, id) ?? []) : undefined;
  return {
    comfy_node_id: id,
    type,
    file_size: files?.reduce((sum, { bytes }) => sum + bytes, 0) ?? -1,
    batch_size: files?.length ?? -1,
  };
}

/** UTC, without saying so. */
function timeOf(time: string | undefined): string | null {
  return time?.replace(/Z$/, "") ?? null;
}
