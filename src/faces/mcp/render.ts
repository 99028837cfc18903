import { isPicture, isShown, mediaName } from "../../images/media.ts";
import type { Studio } from "../../studio/studio.ts";
import type { TaskProgress } from "../../tasks/progress.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import { type ImageRecord, imagesOf, type Task } from "../../tasks/task.ts";
import { counted, cut } from "../../words.ts";
import type { Answer, Block } from "./answer.ts";
import type { View } from "./view.ts";
import { seconds, size } from "./words.ts";

/** Of the stored previews, four stay below the limits of all clients; see `images/preview.ts`. */
const previewCount = 4;
/** Of a prompt that was drawn; all of it is on record. */
const longestDrawn = 500;

/** A task that has ended, with its pictures: text, previews, then links where they are taken. */
export async function renderEnded(
  task: Task,
  studio: Studio,
  view: View,
  guide?: string,
): Promise<Answer> {
  const images = imagesOf(task);
  const pictures = images.filter(isShown);
  const shown = view.images ? pictures.slice(0, previewCount) : [];
  const previews = await Promise.all(shown.map((image) => previewBlock(image, studio)));
  const gone = previews.filter((block) => block.type === "text").length;
  const text = [
    ...endedLines(task, images, studio),
    ...(images.length > 0 ? [placesNote(shown.length - gone, images)] : []),
    ...noteLines(task, guide),
  ].join("\n");
  return {
    content: [{ type: "text", text }, ...previews, ...linksTo(images, view)],
    ...(task.state === "failed" ? { isError: true } : {}),
  };
}

/** A task that goes on: not an error, and the text says what to call next. */
export function renderUnfinished(
  task: Task,
  progress: TaskProgress | undefined,
  elsewhere: string | undefined,
  view: View,
  guide?: string,
): Answer {
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
    ...noteLines(task, guide),
  ].join("\n");
  return { content: [{ type: "text", text }, ...linksTo(images, view)] };
}

function endedLines(task: Task, images: ImageRecord[], studio: Studio): string[] {
  const drawn = drawnPrompts(task);
  return [
    headline(task, images.length),
    ...images.map((image) => imageLine(task, image, studio, drawn.length > 1)),
    ...(drawn.length === 1 ? [`Prompt as drawn: ${cut(drawn[0] ?? "", longestDrawn)}`] : []),
    ...(task.savedTo ?? []).map((file) => `Saved to ${file}`),
  ];
}

function noteLines({ warnings }: Task, guide: string | undefined): string[] {
  return [
    ...warnings.map((warning) => `Note: ${warning}`),
    ...(guide === undefined ? [] : [`Guide: ${guide}`]),
  ];
}

/** What styles, wildcards and alternatives made of the prompt, where that is not what was sent. */
function drawnPrompts(task: Task): string[] {
  const made = task.runs.filter((run) => run.images.length > 0);
  return [...new Set(made.flatMap((run) => run.prompt ?? []))];
}

function headline(task: Task, count: number): string {
  const what = `task ${task.id} (${task.tool}, workflow ${task.workflow})`;
  const isAllPictures = imagesOf(task).every(({ mimeType }) => isPicture(mimeType));
  const pictures = counted(count, isAllPictures ? "image" : "file");
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

function imageLine(task: Task, image: ImageRecord, studio: Studio, isDrawn: boolean): string {
  const seed = image.seed === undefined ? "" : `, seed ${image.seed}`;
  const run = task.runs.find((candidate) => candidate.images.includes(image));
  const cached = run?.cached ? ", from ComfyUI's cache" : "";
  const prompt =
    isDrawn && run?.prompt !== undefined ? `\n  drawn from: ${cut(run.prompt, longestDrawn)}` : "";
  return `- image ${image.id}: ${kindOf(image)}, ${size(image.bytes)}${seed}${cached}\n  ${studio.pictures.place(image)}${prompt}`;
}

/** "1024x1024 PNG", "640x640 MP4 video", "FLAC audio". */
export function kindOf({ mimeType, width, height }: ImageRecord): string {
  if (!isPicture(mimeType))
    return `${width > 0 ? `${width}x${height} ` : ""}${mediaName(mimeType)}`;
  return `${width}x${height} ${mimeType.replace("image/", "").toUpperCase()}`;
}

/** Where the full pictures are, in words, since few clients take a link to them. */
function placesNote(previews: number, images: readonly ImageRecord[]): string {
  const isAllPictures = images.every(({ mimeType }) => isPicture(mimeType));
  const which =
    previews === 0
      ? "No previews are in this answer"
      : previews < images.length
        ? `Previews of the first ${previews} follow`
        : isAllPictures
          ? "Previews follow"
          : "Previews follow, of a film its first frame";
  const uri = images.length === 1 ? `comfy://images/${images[0]?.id}` : "comfy://images/ID";
  const again = isAllPictures ? " An image id can be the image of another tool." : "";
  return `${which}; the full ${isAllPictures ? "pictures" : "files"} are at the places above and at ${uri}.${again}`;
}

export async function previewBlock(image: ImageRecord, studio: Studio): Promise<Block> {
  try {
    const { data, mimeType } = await studio.pictures.preview(image.id);
    return { type: "image", data: data.toString("base64"), mimeType };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { type: "text", text: `No preview of image ${image.id}: ${why}` };
  }
}

export function linksTo(images: readonly ImageRecord[], { links }: View): Block[] {
  return links ? images.map(linkTo) : [];
}

function linkTo(image: ImageRecord): Block {
  return {
    type: "resource_link",
    uri: `comfy://images/${image.id}`,
    name: image.id,
    title: `Image ${image.id}, ${kindOf(image)}`,
    mimeType: image.mimeType,
    size: image.bytes,
  };
}
