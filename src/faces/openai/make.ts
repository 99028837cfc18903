import { AppError } from "../../errors.ts";
import { openImage } from "../../images/decoder.ts";
import { greyRaster, rasterPng } from "../../images/raster.ts";
import type { Studio } from "../../studio/studio.ts";
import { type ImageRecord, imagesOf, type Task } from "../../tasks/task.ts";
import type { FaceContext } from "../shared/env.ts";
import { failureOf } from "../shared/failure.ts";
import { type Here, hereOf } from "../shared/here.ts";
import { leniently, patienceMs } from "../shared/lenient.ts";
import { everMs } from "../shared/patient.ts";
import { noEffect } from "../shared/warnings.ts";
import { type Kind, mapCall, type Pictures } from "./map.ts";
import { Refused } from "./problems.ts";
import type { Read } from "./read.ts";
import type { Fields } from "./schema.ts";

/** A call that has become a task. */
export interface Begun {
  studio: Studio;
  task: Task;
  fields: Fields;
  kind: Kind;
  warnings: string[];
  /** The call's own, for the tasks that follow. */
  idempotencyKey: string | undefined;
}

/** Names that a call goes on without where this ComfyUI does not have them. */
const optional = ["sampler", "scheduler"] as const;

/** Checks a call and stores it as a task. Throws what is wrong with it. */
export async function begin(c: FaceContext, read: Read, kind: Kind): Promise<Begun> {
  const { fields } = read;
  const client = c.req.header("user-agent")?.slice(0, 60);
  const studio = c.get("studio").through("openai", client);
  const here = await hereOf(studio);
  if (isCutOut(fields)) refuseUncut(fields, here);
  refuseMissing(read, kind);
  const { pictures, warnings } = await bring(studio, read, kind);
  const mapped = mapCall(read, kind, pictures, here);
  const all = [...warnings, ...mapped.warnings];
  const left = (name: string, reason: string) => void all.push(noEffect(name, reason));
  const idempotencyKey = c.req.header("idempotency-key");
  const task = await leniently(mapped.request, { names: optional, left }, (request) =>
    studio.submit(mapped.tool, request, {
      idempotencyKey,
      label: labelOf(fields.user),
      patienceMs,
      previews: fields.stream === true && (fields.partial_images ?? 0) > 0,
      signal: c.req.raw.signal,
    }),
  );
  return { studio, task, fields, kind, idempotencyKey, warnings: [...all, ...task.warnings] };
}

/** The end user of OpenAI's API names whom a picture is for. */
function labelOf(user: string | undefined): string | undefined {
  const label = user?.replace(/\p{Cc}/gu, " ").slice(0, 200);
  return label === "" ? undefined : label;
}

function refuseMissing({ fields, images }: Read, kind: Kind): void {
  const missing = (name: string) =>
    new Refused(`Missing required parameter: '${name}'.`, name, {
      code: "missing_required_parameter",
    });
  if (kind !== "generation" && images.length === 0) throw missing("image");
  if (kind !== "variation" && fields.prompt === undefined) throw missing("prompt");
}

async function bring(
  studio: Studio,
  { fields, images, mask }: Read,
  kind: Kind,
): Promise<{ pictures: Pictures; warnings: string[] }> {
  const [first, ...more] = images;
  if (kind === "generation" || first === undefined) {
    const why = "a picture to start from goes to /images/edits";
    return { pictures: {}, warnings: first === undefined ? [] : [noEffect("image", why)] };
  }
  const { id } = await studio.pictures.bring("image", first);
  const warnings =
    more.length === 0 ? [] : [noEffect("image", `only the first of ${more.length + 1} is used`)];
  if (mask !== undefined && kind === "edit") {
    const given = await studio.pictures.bring("mask", mask);
    const { picture, isErased } = await paintedMask(await studio.pictures.input(given.id));
    if (!isErased) warnings.push("mask: nothing of it is transparent, so its white part was used.");
    const painted = isErased ? (await studio.pictures.upload(picture)).id : given.id;
    return { pictures: { image: id, mask: painted }, warnings };
  }
  // DALL-E 2 takes what is transparent in the picture for the mask, where there is none.
  if (kind === "edit" && fields.model === "dall-e-2") {
    const { picture, isErased } = await paintedMask(await studio.pictures.input(id));
    if (isErased) {
      return {
        pictures: { image: id, mask: (await studio.pictures.upload(picture)).id },
        warnings,
      };
    }
  }
  return { pictures: { image: id }, warnings };
}

/** OpenAI repaints what is transparent, we what is white. */
async function paintedMask(mask: Buffer): Promise<{ picture: Buffer; isErased: boolean }> {
  const picture = (await openImage({ bytes: mask })).ensureAlpha().extractChannel("alpha").negate();
  const raster = await greyRaster(picture);
  return { picture: await rasterPng(raster), isErased: raster.data.some((value) => value > 127) };
}

export function isCutOut({ background }: Fields): boolean {
  return background === "transparent";
}

function refuseUncut({ output_format: format }: Fields, { workflows }: Here): void {
  if (format === "jpeg") {
    throw new Refused(
      "Transparent background is not supported for JPEG output: set output_format to png or webp.",
      "background",
    );
  }
  const cutters = workflows.filter(({ workflow }) => workflow.tool === "remove_background");
  if (cutters.some(({ ready }) => ready !== false)) return;
  const lacks = cutters.find((state) => state.lacks)?.lacks?.text ?? "No workflow does it.";
  throw new AppError("not_ready", `background: nothing here can cut out a subject yet. ${lacks}`);
}

/** A picture as it is handed over, perhaps of a task that cut it out. */
export interface Made {
  task: Task;
  image: ImageRecord;
}

/** What becomes of a picture of the call's task. Throws what kept it from being cut out. */
export async function finished(begun: Begun, made: Made): Promise<Made> {
  const { studio, fields, idempotencyKey } = begun;
  if (!isCutOut(fields)) return made;
  const { id } = await studio.submit(
    "remove_background",
    { outputFormat: fields.output_format ?? "png", parameters: { image: made.image.id } },
    {
      idempotencyKey: idempotencyKey && `${idempotencyKey.slice(0, 150)} cut ${made.image.id}`,
      label: labelOf(fields.user),
    },
  );
  const task = await studio.wait(id, everMs);
  const [image] = imagesOf(task);
  if (image) return { task, image };
  throw failureOf(task);
}
