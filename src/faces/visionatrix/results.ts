import { zipSync } from "fflate";
import { resultExtensions } from "../../images/media.ts";
import type { Studio } from "../../studio/studio.ts";
import { type ImageRecord, imagesOf, inputIdOf, type Task } from "../../tasks/task.ts";
import { HttpProblem } from "../shared/fastapi.ts";
import { callOf } from "./call.ts";
import type { VisionatrixContext } from "./env.ts";
import { wholeIn } from "./query.ts";

/** What an output node made; undefined where the flow has no such node. */
export function filesOf(task: Task, node: number): ImageRecord[] | undefined {
  const outputs = callOf(task)?.outputs ?? [];
  const output = outputs.find(({ id }) => id === node);
  if (!output) return undefined;
  // Records name the node only where there are several.
  return imagesOf(task).filter((image) => (image.node ?? outputs[0]?.node) === output.node);
}

/** The task with this number. Throws 404 in their words. */
export async function taskNumbered(studio: Studio, number: number): Promise<Task> {
  const task = await studio.numbered.find(number);
  if (task) return task;
  throw new HttpProblem(404, `Task \`${number}\` was not found.`);
}

/** `GET /tasks/results`: one file of a node, or all of them as a ZIP archive. */
export async function results(c: VisionatrixContext): Promise<Response> {
  const number = wholeIn(c, "task_id");
  const node = wholeIn(c, "node_id");
  const index = wholeIn(c, "batch_index", 0);
  const studio = c.get("studio");
  const task = await taskNumbered(studio, number);
  if (task.state !== "completed") {
    throw new HttpProblem(400, `Task \`${number}\` is not completed yet.`);
  }
  const files = filesOf(task, node);
  if (!files) throw new HttpProblem(404, `No such node in the flow for task=\`${number}\`.`);
  const missing = `Missing result for task=\`${number}\` and node=\`${node}\`.`;
  if (index === -1 && files.length > 0) {
    return archive(studio, task, [node], `${number}_${node}_results.zip`);
  }
  const image = files[index];
  if (!image) throw new HttpProblem(404, missing);
  const { bytes } = await studio.pictures.original(image.id);
  const name = nameOf(number, node, index, image).replace(/_(?=\.)/, "");
  return c.body(new Uint8Array(bytes), 200, {
    "content-type": image.mimeType,
    "content-disposition": `attachment; filename="${name}"`,
    etag: `"${image.sha256}"`,
    "cache-control": "private, no-cache",
  });
}

/** The files of some nodes, not compressed: pictures are already. Throws 404 where there are none. */
export async function archive(
  studio: Studio,
  task: Task,
  nodes: readonly number[],
  name: string,
): Promise<Response> {
  const number = callOf(task)?.number ?? 0;
  const files: Record<string, Uint8Array> = {};
  for (const node of nodes) {
    for (const [index, image] of (filesOf(task, node) ?? []).entries()) {
      const { bytes } = await studio.pictures.original(image.id);
      files[nameOf(number, node, index, image)] = new Uint8Array(bytes);
    }
  }
  if (Object.keys(files).length === 0) {
    throw new HttpProblem(404, `No result files found for task=\`${number}\`.`);
  }
  // A copy that is no view of shared memory, which an answer cannot be made of.
  const zip = new Uint8Array(zipSync(files, { level: 0 }));
  return new Response(zip, {
    headers: {
      "content-type": "application/zip",
      "content-disposition": `attachment; filename=${name}`,
    },
  });
}

/** As ComfyUI numbers what a node saves. */
function nameOf(number: number, node: number, index: number, { mimeType }: ImageRecord): string {
  return `${number}_${node}_${String(index + 1).padStart(5, "0")}_.${resultExtensions[mimeType]}`;
}

/** `GET /tasks/inputs`, as PNG. */
export async function inputs(c: VisionatrixContext): Promise<Response> {
  const number = wholeIn(c, "task_id");
  const index = wholeIn(c, "input_index");
  const studio = c.get("studio");
  const task = await taskNumbered(studio, number);
  const file = callOf(task)?.files[index];
  if (!file) throw new HttpProblem(404, `Task(${number}): there is no input file ${index}.`);
  const bytes = await studio.pictures.input(inputIdOf(file.sha256));
  return c.body(new Uint8Array(bytes), 200, {
    "content-type": "image/png",
    etag: `"${file.sha256}"`,
    "cache-control": "private, no-cache",
  });
}
