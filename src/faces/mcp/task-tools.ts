import { z } from "zod";
import { isPicture, isShown } from "../../images/media.ts";
import { preview } from "../../images/preview.ts";
import type { CancelReport } from "../../tasks/cancelling.ts";
import { type ImageRecord, imagesOf, isTaskId, taskIdOf } from "../../tasks/task.ts";
import type { Answer } from "./answer.ts";
import type { Deps } from "./deps.ts";
import { follow } from "./follow.ts";
import { previewsSchema, waitSchema } from "./image-schema.ts";
import { kindOf, linksTo, previewBlock } from "./render.ts";
import type { Tool } from "./tool.ts";
import { seeing, type View } from "./view.ts";
import { size } from "./words.ts";

const taskId = z.string().describe("From an image tool or list_tasks");

/** In a chat with many pictures, Claude's API refuses larger ones (its documentation on vision). */
const largestSide = 2_000;
/** A whole result stays below the 1 MiB that Claude Desktop takes. */
const largestBase64 = 700_000;

export function taskStatus(deps: Deps): Tool {
  return {
    name: "task_status",
    title: "Task status",
    description:
      "Wait for a task and get its pictures, or its progress if it is still at work. Asking never disturbs the task.",
    input: z.strictObject({
      task_id: taskId,
      wait_seconds: waitSchema(deps.waitSeconds),
      previews: previewsSchema(),
    }),
    unlisted: ["previews"],
    annotations: reading,
    run: ({ task_id, wait_seconds, previews }, call) =>
      follow(deps, taskIdIn(task_id), Number(wait_seconds), seeing(call, previews), "detach"),
  };
}

export function cancelTask(deps: Deps): Tool {
  return {
    name: "cancel_task",
    title: "Cancel task",
    description: "Stop a task, waiting or running, and no other work in ComfyUI.",
    input: z.strictObject({ task_id: taskId }),
    annotations: removing,
    async run(args) {
      const report = await deps.studio.cancel(taskIdIn(args["task_id"]));
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

/** A film, sound or model: where it is, and of a film its still, since no model here sees more. */
async function unseen({ studio }: Deps, record: ImageRecord, view: View): Promise<Answer> {
  const hasStill = isShown(record);
  const what = hasStill ? "its first frame is shown" : "it cannot be shown here";
  const text = `Image ${record.id}: ${kindOf(record)}, ${size(record.bytes)}; ${what}.\n${studio.pictures.place(record)}\ncomfy://images/${record.id}`;
  const still = hasStill && view.images ? [await previewBlock(record, studio)] : [];
  return { content: [{ type: "text", text }, ...still, ...linksTo([record], view)] };
}

export function getImage(deps: Deps): Tool {
  return {
    name: "get_image",
    title: "Get image",
    description: "Look at one picture of a task again, larger than in the first result.",
    input: z.strictObject({
      image_id: z.string().describe("Image id, such as t0123456789abcdef-1, or a task id"),
      max_size: z
        .int()
        .min(64)
        .max(largestSide)
        .default(1536)
        .describe("Longest side in pixels of what is returned"),
    }),
    annotations: reading,
    async run(args, call) {
      const { record, bytes } = await deps.studio.pictures.original(
        await imageIdIn(deps, args["image_id"]),
      );
      if (!isPicture(record.mimeType)) return unseen(deps, record, call.view);
      const { data, mimeType, width, height } = await preview(bytes, {
        maxSide: Number(args["max_size"]),
        maxBase64: largestBase64,
      });
      const smaller =
        width === record.width && height === record.height ? "" : `, shown at ${width}x${height}`;
      const text = `Image ${record.id}: ${record.width}x${record.height}, ${size(record.bytes)}${smaller}.\n${deps.studio.pictures.place(record)}\ncomfy://images/${record.id}`;
      return {
        content: [
          { type: "text", text },
          ...(call.view.images
            ? [{ type: "image" as const, data: data.toString("base64"), mimeType }]
            : []),
          ...linksTo([record], call.view),
        ],
      };
    },
  };
}

/** A task's id; an image's id or a `comfy://` URI names its task too. */
function taskIdIn(given: unknown): string {
  const id = withoutScheme(given);
  return taskIdOf(id) ?? id;
}

/** An image's id; a task stands for its first picture. */
async function imageIdIn(deps: Deps, given: unknown): Promise<string> {
  const id = withoutScheme(given);
  if (!isTaskId(id)) return id;
  const [first] = imagesOf(await deps.studio.get(id));
  return first?.id ?? `${id}-1`;
}

function withoutScheme(given: unknown): string {
  return String(given)
    .trim()
    .replace(/^comfy:\/\/(images|tasks)\//, "");
}

export const reading = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

export const removing = { ...reading, readOnlyHint: false, destructiveHint: true };
