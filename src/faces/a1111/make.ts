import type { Studio } from "../../studio/studio.ts";
import { type ImageRecord, imagesOf, type Task } from "../../tasks/task.ts";
import type { FaceContext } from "../shared/env.ts";
import { failureOf, missing } from "../shared/failure.ts";
import { type Here, hereOf } from "../shared/here.ts";
import { leniently, patienceMs } from "../shared/lenient.ts";
import { everMs } from "../shared/patient.ts";
import { noEffect } from "../shared/warnings.ts";
import { embeddingsOf, withEmbeddings } from "./embeddings.ts";
import { enlarge } from "./enlarge.ts";
import { formatOf, mapCall } from "./map.ts";
import { isAutomatic } from "./names.ts";
import { type Options, optionsOf, withOptions } from "./options.ts";
import { bringPictures } from "./pictures.ts";
import type { Call } from "./schema.ts";

/** A picture as it is handed over, perhaps of a task that enlarged it. */
export interface Made {
  /** The task of the call, which knows how it was made. */
  task: Task;
  /** As it was made at first. */
  first: ImageRecord;
  image: ImageRecord;
}

export interface Done {
  studio: Studio;
  call: Call;
  options: Options;
  task: Task;
  made: Made[];
  warnings: string[];
}

export type Kind = "txt2img" | "img2img";

/** Names that a call goes on without where this ComfyUI does not have them, as the web UI calls them. */
const optional = {
  model: "sd_model_checkpoint",
  sampler: "sampler_name",
  scheduler: "scheduler",
  vae: "sd_vae",
  refiner: "refiner_checkpoint",
} as const;

/** Makes what a call asks for and waits for it. Throws what is wrong with it, or why there is no picture. */
export async function make(c: FaceContext, given: Call, kind: Kind): Promise<Done> {
  const studio = c.get("studio");
  const { options, warnings } = withOptions(await optionsOf(studio), given.override_settings ?? {});
  const [here, embeddings] = await Promise.all([hereOf(studio), embeddingsOf(studio)]);
  const call = withEmbeddings(given, embeddings);
  const brought =
    kind === "img2img" ? await bringPictures(studio, call) : { pictures: {}, warnings: [] };
  const mapped = mapCall(call, options, brought.pictures, here);
  const all = [...warnings, ...brought.warnings, ...mapped.warnings, ...outOfPlace(call, kind)];
  const left = (name: string, reason: string) =>
    void all.push(noEffect(optional[name as keyof typeof optional], reason));
  const task = await leniently(mapped.request, { names: Object.keys(optional), left }, (request) =>
    studio.submit(mapped.tool, request, {
      label: call.force_task_id?.slice(0, 200),
      patienceMs,
      previews: options.live_previews_enable,
      signal: c.req.raw.signal,
    }),
  );
  const ended = await studio.wait(task.id, everMs);
  const images = imagesOf(ended);
  if (images.length === 0) throw failureOf(ended);
  all.push(...ended.warnings, ...missing(ended));
  const second = (image: ImageRecord) =>
    kind === "txt2img" && call.enable_hr === true
      ? enlarged({ studio, call, options, here }, image, all)
      : image;
  const made = await Promise.all(
    images.map(async (first) => ({ task: ended, first, image: await second(first) })),
  );
  return { studio, call, options, task: ended, made, warnings: [...new Set(all)] };
}

interface Second {
  studio: Studio;
  call: Call;
  options: Options;
  here: Here;
}

/** The web UI's "hires. fix": what was made is enlarged, and some of it repainted. */
async function enlarged(
  { studio, call, options, here }: Second,
  first: ImageRecord,
  warnings: string[],
): Promise<ImageRecord> {
  const {
    hr_resize_x: x = 0,
    hr_resize_y: y = 0,
    hr_scale: scale = 2,
    seed,
  } = { ...call, ...first };
  const times = (side: number) => Math.round(side * scale);
  const { denoising_strength: strength = 0 } = call;
  const mapped = enlarge(
    {
      image: first.id,
      size:
        x + y > 0
          ? { width: x, height: y }
          : { width: times(first.width), height: times(first.height) },
      upscaler: call.hr_upscaler,
      field: "hr_upscaler",
      strength: strength > 0 ? strength : undefined,
      prompt: isAutomatic(call.hr_prompt) ? call.prompt : call.hr_prompt,
      seed,
    },
    here,
    formatOf(options),
  );
  const { id } = await studio.submit("upscale", mapped.request);
  const task = await studio.wait(id, everMs);
  const [image] = imagesOf(task);
  if (!image) throw failureOf(task);
  warnings.push(...mapped.warnings, ...task.warnings);
  return image;
}

/** Fields of the other of the two. */
function outOfPlace(call: Call, kind: Kind): string[] {
  if (kind === "img2img") {
    return call.enable_hr === true ? [noEffect("enable_hr", "it is for txt2img")] : [];
  }
  return (["init_images", "mask"] as const).flatMap((name) =>
    call[name] === undefined || call[name]?.length === 0
      ? []
      : [noEffect(name, "send it to img2img")],
  );
}
