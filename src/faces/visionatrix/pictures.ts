import { AppError } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import { inputIdOf, type Task } from "../../tasks/task.ts";
import type { Upload } from "../../tasks/uploads.ts";
import { HttpProblem } from "../shared/fastapi.ts";
import { callOf } from "./call.ts";
import { filesOf } from "./results.ts";

/** A picture of a call, kept before there is a task. */
export interface Brought {
  upload: Upload;
  /** The result it is, of which a task may be the child. */
  of?: { task: number; node: number };
}

/** How far into a file its base64 can begin. */
const base64Within = 30;

/** A file as it was sent; one that holds a data URI is read as such. */
export async function bringFile(studio: Studio, name: string, file: File): Promise<Brought> {
  const bytes = Buffer.from(await file.arrayBuffer());
  const start = bytes.toString("latin1", 0, base64Within).indexOf("base64,");
  const base64 = start < 0 ? bytes.toString("base64") : bytes.toString("latin1", start + 7).trim();
  return { upload: await studio.pictures.bring(name, `data:image/png;base64,${base64}`) };
}

/** A text in the place of a file: JSON that names a task's picture or an address, or a picture as our tools take it. */
export async function bringText(studio: Studio, name: string, text: string): Promise<Brought> {
  const given = text.trim();
  if (!given.startsWith("{")) {
    try {
      return { upload: await studio.pictures.bring(name, given) };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new HttpProblem(400, `Invalid file input:${given.slice(0, 100)} (${error.message})`);
    }
  }
  const info = jsonIn(given);
  if ("remote_url" in info) return { upload: await remote(studio, name, info) };
  if (!("task_id" in info)) {
    throw new HttpProblem(400, "Missing `task_id` or `remote_url` parameter.");
  }
  const number = Number(info["task_id"]);
  const task = Number.isSafeInteger(number) ? await studio.numbered.find(number) : undefined;
  if (!task) throw new HttpProblem(400, `Missing task with id=${String(info["task_id"])}`);
  if ("input_index" in info) {
    const file = callOf(task)?.files[Number(info["input_index"])];
    if (file) return { upload: await studio.pictures.bring(name, inputIdOf(file.sha256)) };
    throw new HttpProblem(400, `Task \`${number}\` has no such input file.`);
  }
  return ofResult(studio, name, task, number, Number(info["node_id"]));
}

async function ofResult(
  studio: Studio,
  name: string,
  task: Task,
  number: number,
  node: number,
): Promise<Brought> {
  const [image] = filesOf(task, node) ?? [];
  if (task.state !== "completed" || !image) {
    const reason = task.state === "completed" ? "has no such result" : "is not completed yet";
    throw new HttpProblem(400, `${name}: task \`${number}\` ${reason}.`);
  }
  return { upload: await studio.pictures.bring(name, image.id), of: { task: number, node } };
}

/** Without the caller's cookies, which are nobody else's to have. */
function remote(studio: Studio, name: string, info: Record<string, unknown>): Promise<Upload> {
  if (info["type"] === "nextcloud") return studio.pictures.bring(name, String(info["remote_url"]));
  throw new HttpProblem(400, `Unknown type(${String(info["type"])} for \`remote_url\` parameter`);
}

function jsonIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch {
    // Said below, as what is JSON and no object is.
  }
  throw new HttpProblem(400, `Invalid file input:${text.slice(0, 100)}`);
}
