import { deliver } from "../../images/convert.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import type { FaceContext } from "../shared/env.ts";
import { failureOf, missing } from "../shared/failure.ts";
import { everMs } from "../shared/patient.ts";
import { noEffect } from "../shared/warnings.ts";
import { type Begun, finished, isCutOut, type Made } from "./make.ts";
import type { Fields } from "./schema.ts";

/** One entry of `data`, with the seed that makes it again. */
interface Entry {
  b64_json?: string;
  url?: string;
  revised_prompt?: string;
  seed?: number;
}

/** Waits for the pictures: an answer with a status of its own comes at the end. */
export async function answer(c: FaceContext, begun: Begun): Promise<Response> {
  const { studio, fields } = begun;
  const ended = await studio.wait(begun.task.id, everMs);
  const pictures = imagesOf(ended).map((image) => ({ task: ended, image }));
  if (pictures.length === 0) throw failureOf(ended);
  const made = await Promise.all(pictures.map((picture) => finished(begun, picture)));
  const data = await Promise.all(made.map((each) => entryOf(begun, each, ended)));
  const warnings = [...begun.warnings, ...missing(ended), ...compressed(fields)];
  return c.json({
    created: secondsOf(ended),
    ...saidOf(begun, made[0]),
    data,
    task_id: ended.id,
    model: ended.workflow,
    ...(warnings.length > 0 ? { warnings } : {}),
  });
}

/** Seconds since 1970. */
export function secondsOf({ createdAt }: Task): number {
  return Math.floor(Date.parse(createdAt) / 1_000);
}

/** What the pictures are like, in OpenAI's words. */
export function saidOf({ fields }: Begun, made: Made | undefined): Record<string, unknown> {
  return {
    background: isCutOut(fields) ? "transparent" : "opaque",
    output_format: fields.output_format ?? "png",
    quality: fields.quality ?? "auto",
    size: made ? `${made.image.width}x${made.image.height}` : (fields.size ?? "auto"),
  };
}

async function entryOf(begun: Begun, made: Made, whole: Task): Promise<Entry> {
  const { studio, fields } = begun;
  const url = fields.response_format === "url" ? studio.pictures.url(made.image.id) : undefined;
  const run = whole.runs.find(({ images }) => images.some(({ id }) => id === made.image.id));
  const prompt = run?.prompt;
  const { seed } = made.image;
  return {
    ...(url === undefined ? { b64_json: await base64Of(begun, made) } : { url }),
    ...(prompt === undefined || prompt === fields.prompt ? {} : { revised_prompt: prompt }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** The picture itself, encoded anew where the call says how strongly it is to be compressed. */
export async function base64Of({ studio, fields }: Begun, { image }: Made): Promise<string> {
  const { bytes } = await studio.pictures.original(image.id);
  const { output_format: format, output_compression: level } = fields;
  if (level === undefined || format === undefined || format === "png") {
    return bytes.toString("base64");
  }
  // What is in that format already would come back as it is.
  const plain = await deliver(bytes, { format: "png" });
  const encoded = await deliver(plain, { format, quality: Math.max(1, level) });
  return encoded.toString("base64");
}

function compressed({ output_compression: level, response_format: kind, output_format }: Fields) {
  if (level === undefined) return [];
  if (kind === "url")
    return [noEffect("output_compression", "a URL leads to the picture as it is")];
  const isLossless = output_format === undefined || output_format === "png";
  return isLossless && level !== 100 ? [noEffect("output_compression", "a PNG loses nothing")] : [];
}
