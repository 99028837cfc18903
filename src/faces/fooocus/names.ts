import type { Studio } from "../../studio/studio.ts";
import { type ImageRecord, imagesOf, type Task } from "../../tasks/task.ts";
import { callOf } from "./call.ts";

const extensions: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/webp": "webp",
};

/** `DATE/DATE_TIME_ID.EXT`, as Fooocus files its results; times are UTC. With a `save_name`, `DATE/NAME-0.EXT`. */
export function outputPath(task: Task, image: ImageRecord): string {
  const [date = "", time = ""] = task.createdAt.slice(0, 19).split("T");
  const extension = extensions[image.mimeType] ?? image.mimeType.replace(/^.*\//, "");
  const name = savedName(task);
  const index = imagesOf(task).findIndex(({ id }) => id === image.id);
  const stem =
    name === "" ? `${date}_${time.replaceAll(":", "-")}_${image.id}` : `${name}-${index}`;
  return `${date}/${stem}.${extension}`;
}

/** Of what a caller wants its files to be called only a plain name is left: they lie nowhere else. */
function savedName(task: Task): string {
  const given = callOf(task)?.params["save_name"];
  if (typeof given !== "string") return "";
  const last = given.replaceAll("\\", "/").replace(/^.*\//, "");
  return last
    .replace(/[^\p{L}\p{N}._ -]+/gu, "_")
    .replace(/^\.+/, "")
    .slice(0, 100)
    .trim();
}

/** Of one day; more are not looked through for a name. */
const mostOfDay = 1_000;

/** The picture at `/outputs/DATE/FILE`; undefined when there is none. */
export async function pictureAt(
  studio: Studio,
  date: string,
  file: string,
): Promise<{ task: Task; image: ImageRecord } | undefined> {
  const id = /_(t[0-9a-z]{16}-\d+)\.\w+$/.exec(file)?.[1];
  if (id !== undefined) {
    const found = await studio.pictures.image(id).catch(() => undefined);
    return found && { task: found.task, image: found.record };
  }
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || Number.isNaN(Date.parse(date))) return undefined;
  const since = `${date}T00:00:00.000Z`;
  const before = new Date(Date.parse(since) + 86_400_000).toISOString();
  const { tasks } = await studio.list({ since, before, via: ["fooocus"] }, mostOfDay);
  // The newest of those with one name goes first.
  for (const task of tasks) {
    const image = imagesOf(task).find((each) => outputPath(task, each) === `${date}/${file}`);
    if (image) return { task, image };
  }
  return undefined;
}
