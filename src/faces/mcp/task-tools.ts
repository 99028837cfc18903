import { z } from "zod";
import { preview } from "../../images/preview.ts";
import type { CancelReport } from "../../tasks/cancelling.ts";
import type { Deps } from "./deps.ts";
import { follow } from "./follow.ts";
import { waitSchema } from "./image-schema.ts";
import { linkTo } from "./render.ts";
import type { Tool } from "./tool.ts";
import { size } from "./words.ts";

const taskId = z.string().describe("Id that an image tool or list_tasks returned");

/** A whole result stays below the 1 MiB that Claude Desktop takes. */
const largestBase64 = 700_000;

export function taskStatus(deps: Deps): Tool {
  return {
    name: "task_status",
    title: "Task status",
    description:
      "Wait for a task and get its pictures, or its progress if it is still at work. Asking never disturbs the task.",
    input: z.strictObject({ task_id: taskId, wait_seconds: waitSchema(deps.waitSeconds) }),
    annotations: reading,
    run: (args, call) =>
      follow(deps, String(args["task_id"]), Number(args["wait_seconds"]), call, "detach"),
  };
}

export function cancelTask(deps: Deps): Tool {
  return {
    name: "cancel_task",
    title: "Cancel task",
    description:
      "Stop a task: what waits is taken from ComfyUI's queue, what runs is interrupted. Other work there is not touched.",
    input: z.strictObject({ task_id: taskId }),
    annotations: removing,
    async run(args) {
      const report = await deps.studio.cancel(String(args["task_id"]));
      return { content: [{ type: "text", text: wordCancel(report) }] };
    },
  };
}

const ends: Record<keyof CancelReport["runs"], string> = {
  removed_from_queue: "removed from ComfyUI's queue",
  interrupted: "interrupted while running",
  already_finished: "finished before",
  stopped: "stopped by the server that worked on it",
  asked: "asked to stop; the server that works on it, or the next one, does it",
  when_back: "will be stopped as soon as ComfyUI, which is away, is back",
  already_failed: "failed before",
  already_cancelled: "cancelled before",
  not_started: "stopped before it reached ComfyUI",
  still_stopping: "told to stop; ComfyUI's node has not let go yet",
};

function wordCancel({ task, runs }: CancelReport): string {
  const parts = Object.entries(runs).map(
    ([end, count]) =>
      `${count} ${count === 1 ? "image" : "images"} ${ends[end as keyof typeof ends]}`,
  );
  const state =
    runs.still_stopping || runs.when_back || runs.asked
      ? `${task.state}, and will be cancelled`
      : task.state;
  return `Task ${task.id} is ${state}: ${parts.join("; ")}.`;
}

export function getImage(deps: Deps): Tool {
  return {
    name: "get_image",
    title: "Get image",
    description: "Look at one picture of a task again, larger than in the first result.",
    input: z.strictObject({
      image_id: z.string().describe("Image id, such as t0123456789abcdef-1"),
      max_size: z
        .int()
        .min(64)
        .max(2048)
        .default(1536)
        .describe("Longest side in pixels of what is returned"),
    }),
    annotations: reading,
    async run(args) {
      const { record, bytes } = await deps.studio.original(String(args["image_id"]));
      const { data, mimeType, width, height } = await preview(bytes, {
        maxSide: Number(args["max_size"]),
        maxBase64: largestBase64,
      });
      const smaller =
        width === record.width && height === record.height ? "" : `, shown at ${width}x${height}`;
      const text = `Image ${record.id}: ${record.width}x${record.height}, ${size(record.bytes)}${smaller}.\n${deps.studio.place(record)}`;
      return {
        content: [
          { type: "text", text },
          { type: "image", data: data.toString("base64"), mimeType },
          linkTo(record),
        ],
      };
    },
  };
}

export const reading = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

export const removing = { ...reading, readOnlyHint: false, destructiveHint: true };
