import { messageOf } from "../../errors.ts";
import type { DeliveryFormat } from "../../images/convert.ts";
import type { Studio } from "../../studio/studio.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import { everMs, patientJson, within } from "../shared/patient.ts";
import { jsonBody } from "./body.ts";
import { formatIn, pictureBytes } from "./deliver.ts";
import type { FooocusContext, FooocusParts } from "./env.ts";
import { type Read, readCall, type Values } from "./read.ts";
import { pendingRecord, recordOf } from "./record.ts";
import { streamHeaders, streamOf } from "./stream.ts";
import { submit } from "./submit.ts";

const standardBeginMs = 3_000;

/** `POST /v1/engine/generate/`: a picture, a stream, a pending or a finished record, in this order. */
export async function generate(c: FooocusContext, parts: FooocusParts): Promise<Response> {
  const read = readCall(await jsonBody(c));
  const { values } = read;
  const format = formatIn(c.req.header("accept")) ?? binaryByRule(c, values);
  const studio = c.get("studio").through("fooocus");
  const { beginMs = standardBeginMs } = parts;
  if (format) return binary(c, studio, read, format);
  const begun = submit(c, read);
  if (values.stream_output === true) {
    // What is wrong with the call is said before the stream, if it is known soon.
    await within(begun, beginMs);
    const stream = { studio, log: parts.log, base: c.get("base") };
    const previews = values.disable_preview !== true;
    return new Response(streamOf({ ...stream, previews }, begun), { headers: streamHeaders });
  }
  if (values.async_process === true) return c.json(pendingRecord(await begun));
  const ended = begun.then((task) => finishedRecord(c, studio, task, values));
  const soon = await within(ended, beginMs);
  if (soon) return c.json(soon.value);
  return patientJson(ended, (error) => ({
    task_status: "failed",
    result: [],
    error: messageOf(error),
  }));
}

/** The older document's rule: bytes where both switches are said to be off, and Accept says nothing. */
function binaryByRule(c: FooocusContext, values: Values): DeliveryFormat | undefined {
  const accept = c.req.header("accept")?.trim() ?? "";
  const isOff = values.async_process === false && values.stream_output === false;
  return isOff && (accept === "" || accept === "*/*") ? "png" : undefined;
}

async function binary(
  c: FooocusContext,
  studio: Studio,
  read: Read,
  format: DeliveryFormat,
): Promise<Response> {
  const { id } = await submit(c, { ...read, one: true });
  return pictureAnswer(c, studio, await studio.wait(id, everMs), format);
}

/** The first picture; what stands instead of it is said, not sent as an empty success. */
export async function pictureAnswer(
  c: FooocusContext,
  studio: Studio,
  task: Task,
  format: DeliveryFormat,
): Promise<Response> {
  const [image] = imagesOf(task);
  if (image) {
    const bytes = await pictureBytes(studio, task, image, format);
    return c.body(new Uint8Array(bytes), 200, { "content-type": `image/${format}` });
  }
  const detail = task.error?.message ?? `The task ended without a picture: ${task.state}.`;
  return c.json({ detail, task_id: task.id }, task.state === "cancelled" ? 400 : 500);
}

async function finishedRecord(
  c: FooocusContext,
  studio: Studio,
  { id }: Task,
  values: Values,
): Promise<Record<string, unknown>> {
  const task = await studio.wait(id, everMs);
  const record = recordOf(task, c.get("base"));
  if (values.require_base64 !== true) return record;
  return { ...record, base64: await inline(studio, task) };
}

/** Each result as a data URI. */
export function inline(studio: Studio, task: Task): Promise<string[]> {
  return Promise.all(
    imagesOf(task).map(async (image) => {
      const bytes = await pictureBytes(studio, task, image, undefined);
      return `data:${image.mimeType};base64,${bytes.toString("base64")}`;
    }),
  );
}
