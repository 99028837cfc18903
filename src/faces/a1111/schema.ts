import { z } from "zod";
import { cut } from "../../words.ts";
import { maxCount, maxSeed } from "../../workflows/request.ts";
import { isRecord, jsonOf } from "../shared/body.ts";
import type { FaceContext } from "../shared/env.ts";
import { Unprocessable } from "../shared/fastapi.ts";
import { flag, given, number, text, whole } from "../shared/values.ts";

/** More is a mistake of units. */
const side = whole(1, 16_384);
const record = given(z.record(z.string(), z.unknown()));
const texts = given(z.array(z.string()), (value) => (typeof value === "string" ? [value] : value));

/** What `txt2img` and `img2img` take that something here follows. */
const call = z.looseObject({
  prompt: text,
  negative_prompt: text,
  styles: texts,
  seed: whole(-1, maxSeed),
  sampler_name: text,
  sampler_index: text,
  scheduler: text,
  batch_size: whole(1, maxCount),
  n_iter: whole(1, maxCount),
  steps: whole(1, 1_000),
  cfg_scale: number,
  distilled_cfg_scale: number,
  width: side,
  height: side,
  denoising_strength: number,
  clip_skip: number,
  override_settings: record,
  refiner_checkpoint: text,
  refiner_switch_at: number,
  enable_hr: flag,
  hr_scale: number,
  hr_upscaler: text,
  hr_resize_x: whole(0, 16_384),
  hr_resize_y: whole(0, 16_384),
  hr_prompt: text,
  init_images: texts,
  mask: text,
  mask_blur: whole(0, 1_024),
  mask_blur_x: whole(0, 1_024),
  mask_blur_y: whole(0, 1_024),
  inpainting_mask_invert: whole(0, 1),
  resize_mode: whole(0, 3),
  include_init_images: flag,
  send_images: flag,
  force_task_id: text,
});

export type Call = z.infer<typeof call>;

/** What the two for one picture or several have in common. */
const extrasFields = {
  resize_mode: whole(0, 1),
  show_extras_results: flag,
  upscaling_resize: number,
  upscaling_resize_w: side,
  upscaling_resize_h: side,
  upscaling_crop: flag,
  upscaler_1: text,
};

const resizing = z.looseObject(extrasFields);
const extras = z.looseObject({ image: text, ...extrasFields });
const batch = z.looseObject({
  imageList: z.array(z.looseObject({ data: z.string() })),
  ...extrasFields,
});

/** How pictures are to be enlarged. */
export type Resizing = z.infer<typeof resizing>;
type Extras = z.infer<typeof extras>;
type Batch = z.infer<typeof batch>;

export const readCall = (c: FaceContext): Promise<Call> => read(c, call);
export const readExtras = (c: FaceContext): Promise<Extras> => read(c, extras);
export const readBatch = (c: FaceContext): Promise<Batch> => read(c, batch);

export const readInfoCall = (c: FaceContext) => read(c, z.looseObject({ image: z.string() }));
export const readSettings = (c: FaceContext) => read(c, z.record(z.string(), z.unknown()));

/** Names of `call`: whatever else came along is for whoever warns of it. */
export const known: readonly string[] = Object.keys(call.shape);
export const knownExtras: readonly string[] = ["image", "imageList", ...Object.keys(extrasFields)];

/** JSON of any Content-Type. Throws `Unprocessable` with every fault, as FastAPI words them. */
async function read<T extends z.ZodType>(c: FaceContext, schema: T): Promise<z.infer<T>> {
  const body = await jsonOf(c).catch((error) => {
    if (!(error instanceof SyntaxError)) throw error;
    const ctx = { error: error.message };
    const fault = { type: "json_invalid", loc: ["body", 0], msg: "JSON decode error" };
    throw new Unprocessable([{ ...fault, input: {}, ctx }]);
  });
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  throw new Unprocessable(
    read.error.issues.map(({ code, path, message }) => {
      const at = path.map((part) => (typeof part === "number" ? part : String(part)));
      return { type: code, loc: ["body", ...at], msg: message, input: shown(body, at) };
    }),
  );
}

function shown(body: unknown, path: readonly (string | number)[]): unknown {
  let value = body;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)];
    else value = isRecord(value) && Object.hasOwn(value, part) ? value[part] : null;
  }
  if (typeof value === "string") return cut(value);
  return typeof value === "object" ? null : value;
}
