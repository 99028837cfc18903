import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/sdk/types.js";
import type { Studio } from "../../studio/studio.ts";
import type { TaskProgress } from "../../tasks/progress.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import { type ImageRecord, imagesOf, type Task } from "../../tasks/task.ts";
import { seconds, size } from "./words.ts";

/** Of the stored previews, four stay below the limits of all clients; see `images/preview.ts`. */
const previewCount = 4;

/** A task that has ended, with its pictures: text, previews, then links to the originals. */
export async function renderEnded(task: Task, studio: Studio): Promise<CallToolResult> {
  const images = imagesOf(task);
  const shown = images.slice(0, previewCount);
  const previews = await Promise.all(shown.map((image) => previewBlock(image, studio)));
  const gone = previews.filter((block) => block.type === "text").length;
  return {
    content: [
      { type: "text", text: endedText(task, images, shown.length - gone, studio) },
      ...previews,
      ...images.map(linkTo),
    ],
    ...(task.state === "failed" ? { isError: true } : {}),
  };
}

/** A task that goes on: not an error, and the text says what to call next. */
export function renderUnfinished(
  task: Task,
  progress: TaskProgress | undefined,
  elsewhere: string | undefined,
): CallToolResult {
  const percent = Math.floor((progress?.fraction ?? 0) * 100);
  const words = progress ? wordProgress(progress) : "Starting";
  const images = imagesOf(task);
  const so =
    images.length > 0 ? ` Done so far: ${images.map((image) => image.id).join(", ")}.` : "";
  const reason = progress?.status.phase === "waiting" ? ` ${progress.status.reason}` : "";
  const far = elsewhere ?? `${words} (${percent} %).`;
  const text = [
    `Task ${task.id} is ${task.state}: ${far}${so}${reason}`,
    `The work goes on. Call task_status with task_id "${task.id}" to wait for the result; cancel_task stops it.`,
    ...task.warnings.map((warning) => `Note: ${warning}`),
  ].join("\n");
  return { content: [{ type: "text", text }, ...images.map(linkTo)] };
}

function endedText(task: Task, images: ImageRecord[], previews: number, studio: Studio): string {
  return [
    headline(task, images.length),
    ...images.map((image) => imageLine(task, image, studio)),
    ...(task.savedTo ?? []).map((file) => `Saved to ${file}`),
    ...(previews > 0 ? [previewNote(previews, images.length)] : []),
    ...task.warnings.map((warning) => `Note: ${warning}`),
  ].join("\n");
}

function headline(task: Task, count: number): string {
  const what = `task ${task.id} (${task.tool}, workflow ${task.workflow})`;
  const pictures = `${count} ${count === 1 ? "image" : "images"}`;
  switch (task.state) {
    case "completed":
      return `Done: ${task.workflow === task.tool ? `task ${task.id}` : what}, ${pictures}${elapsed(task)}.`;
    case "failed": {
      const failed = task.runs.filter((run) => run.state === "failed").length;
      const part = task.runs.length > 1 ? ` ${failed} of ${task.runs.length} images failed.` : "";
      return `Failed: ${what}.${part} ${task.error?.message ?? "No reason is on record."}`;
    }
    default:
      return `Cancelled: ${what}, ${pictures} made before. ${task.error?.message ?? ""}`.trim();
  }
}

function elapsed(task: Task): string {
  if (!task.finishedAt) return "";
  return ` in ${seconds(Date.parse(task.finishedAt) - Date.parse(task.createdAt))}`;
}

function imageLine(task: Task, image: ImageRecord, studio: Studio): string {
  const seed = image.seed === undefined ? "" : `, seed ${image.seed}`;
  const run = task.runs.find((candidate) => candidate.images.includes(image));
  const cached = run?.cached ? ", from ComfyUI's cache" : "";
  const format = image.mimeType.replace("image/", "").toUpperCase();
  return `- image ${image.id}: ${image.width}x${image.height} ${format}, ${size(image.bytes)}${seed}${cached}\n  ${studio.place(image)}`;
}

function previewNote(previews: number, count: number): string {
  const which = previews < count ? `Previews of the first ${previews} follow` : "Previews follow";
  return `${which}; the full pictures are at the places above. An image id can be the image of another tool.`;
}

async function previewBlock(image: ImageRecord, studio: Studio): Promise<ContentBlock> {
  try {
    const { data, mimeType } = await studio.preview(image.id);
    return { type: "image", data: data.toString("base64"), mimeType };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { type: "text", text: `No preview of image ${image.id}: ${why}` };
  }
}

export function linkTo(image: ImageRecord): ContentBlock {
  return {
    type: "resource_link",
    uri: `comfy://images/${image.id}`,
    name: image.id,
    title: `Image ${image.id}, ${image.width}x${image.height}`,
    mimeType: image.mimeType,
    size: image.bytes,
  };
}
