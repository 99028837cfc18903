import { AppError } from "../errors.ts";
import { cut } from "../words.ts";
import type { TaskRequest } from "../workflows/request.ts";
import { imagesOf, type Task, taskIdOf } from "./task.ts";

/** A task of the same caller; undefined when there is none. */
export type Earlier = (taskId: string) => Promise<Task | undefined>;

export interface Prompted {
  request: TaskRequest;
  notes: string[];
}

/**
 * "Four variations of that picture" has no prompt of its own: the one that picture was drawn from
 * is taken. Throws `invalid_input` where there is none.
 */
export async function promptOnRecord(
  record: Earlier,
  tool: string,
  request: TaskRequest,
): Promise<Prompted> {
  const { prompt, image } = request.parameters;
  if (tool !== "img2img" || (typeof prompt === "string" && prompt.trim() !== "")) {
    return { request, notes: [] };
  }
  const found = typeof image === "string" ? await promptOf(record, image.trim()) : undefined;
  if (found === undefined) {
    throw new AppError(
      "invalid_input",
      "prompt: missing. Say what the picture should show, or what to change in it; it can be left out only for an image or task id of a picture that was made here from a prompt.",
    );
  }
  return {
    request: { ...request, parameters: { ...request.parameters, prompt: found } },
    notes: [`prompt: left out, so the one on record was used: ${JSON.stringify(cut(found, 300))}`],
  };
}

async function promptOf(record: Earlier, reference: string): Promise<string | undefined> {
  const id = reference.replace(/^comfy:\/\/(images|tasks)\//, "");
  const task = await record(taskIdOf(id) ?? id);
  if (!task) return undefined;
  const wanted = imagesOf(task).find((image) => image.id === id) ?? imagesOf(task)[0];
  const run = task.runs.find((each) => wanted !== undefined && each.images.includes(wanted));
  const prompt = run?.prompt ?? task.params["prompt"];
  return typeof prompt === "string" && prompt !== "" ? prompt : undefined;
}
