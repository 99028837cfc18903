import { z } from "zod";
import { isPicture } from "../../images/media.ts";
import { preview } from "../../images/preview.ts";
import { appRecord } from "./app-record.ts";
import type { Deps } from "./deps.ts";
import { reading } from "./task-tools.ts";
import type { Tool } from "./tool.ts";

/** Base64 characters of one picture: a result of 1 MiB is the most that some hosts hand on. */
const largestBase64 = 700_000;

/** What the studio's page in a chat asks; no model is shown these. */
export function appTools(deps: Deps): Tool[] {
  return [tasksForApp(deps), lookForApp(deps), pictureForApp(deps)];
}

function tasksForApp({ studio, catalog }: Deps): Tool {
  return {
    name: "studio_tasks",
    title: "Tasks for the page",
    description: "Tasks on record for the studio's page in a chat, newest first.",
    appOnly: true,
    input: z.strictObject({
      task_ids: z.array(z.string()).max(50).optional().describe("These tasks"),
      limit: z.int().min(1).max(50).default(12).describe("Tasks per page"),
      cursor: z.string().optional().describe("next_cursor of the page before"),
    }),
    output: z.looseObject({ tasks: z.array(z.unknown()) }),
    annotations: reading,
    async run({ task_ids, limit, cursor }) {
      const filter = Array.isArray(task_ids) ? { ids: task_ids.map(String) } : {};
      const from = typeof cursor === "string" ? cursor : undefined;
      const page = await studio.list(filter, Number(limit), from);
      return {
        content: [],
        structured: {
          tasks: page.tasks.map((task) => appRecord(task, studio, catalog)),
          next_cursor: page.cursor ?? null,
        },
      };
    },
  };
}

function lookForApp({ studio, catalog }: Deps): Tool {
  return {
    name: "studio_look",
    title: "Task for the page",
    description: "How far a task is, with the newest preview, for the studio's page in a chat.",
    appOnly: true,
    input: z.strictObject({
      task_id: z.string().describe("Task id"),
      after: z.int().min(0).default(0).describe("The preview frame that is known already"),
    }),
    output: z.looseObject({ task: z.unknown() }),
    annotations: reading,
    async run({ task_id, after }) {
      const task = await studio.get(String(task_id));
      const shown = await studio.pictures.livePreview(task.id);
      const isNew = shown && shown.frame > Number(after);
      return {
        content: isNew
          ? [{ type: "image", data: shown.bytes.toString("base64"), mimeType: shown.mimeType }]
          : [],
        structured: {
          task: appRecord(task, studio, catalog),
          frame: isNew ? shown.frame : null,
        },
      };
    },
  };
}

function pictureForApp({ studio }: Deps): Tool {
  return {
    name: "studio_picture",
    title: "Picture for the page",
    description: "A picture for the studio's page in a chat.",
    appOnly: true,
    input: z.strictObject({
      image_id: z.string().describe("Image id"),
      max_size: z.int().min(64).max(2048).default(1536).describe("Longest side in pixels"),
    }),
    annotations: reading,
    async run({ image_id, max_size }) {
      const { record, bytes } = await studio.pictures.original(String(image_id));
      if (!isPicture(record.mimeType)) return { content: [], isError: true };
      const options = { maxSide: Number(max_size), maxBase64: largestBase64 };
      const { data, mimeType } = await preview(bytes, options);
      return { content: [{ type: "image", data: data.toString("base64"), mimeType }] };
    },
  };
}
