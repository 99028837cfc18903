import { deliver } from "../../images/convert.ts";
import type { Run } from "../../tasks/task.ts";
import { version } from "../../version.ts";
import type { FaceContext } from "../shared/env.ts";
import { infotext, modelFileOf } from "../shared/infotext.ts";
import { withText } from "../shared/picture-text.ts";
import { type Done, type Kind, type Made, make } from "./make.ts";
import { formatOf } from "./map.ts";
import { samplingShown } from "./names.ts";
import { type Call, readCall } from "./schema.ts";

/** `POST /txt2img` and `POST /img2img`. */
export function generate(kind: Kind): (c: FaceContext) => Promise<Response> {
  return async (c) => {
    const given = await readCall(c);
    const done = await make(c, given, kind);
    const isSent = given.send_images !== false;
    const images = isSent ? await Promise.all(done.made.map((each) => base64Of(done, each))) : [];
    const { warnings, task } = done;
    return c.json({
      images,
      parameters: echo(given),
      info: JSON.stringify(infoOf(done)),
      task_id: task.id,
      ...(warnings.length > 0 ? { warnings } : {}),
    });
  };
}

async function base64Of(done: Done, made: Made): Promise<string> {
  const { bytes } = await done.studio.pictures.original(made.image.id);
  const picture = await deliver(bytes, { format: formatOf(done.options) });
  return withText(picture, { text: textOf(done, made) }).toString("base64");
}

/** The call, without its pictures unless it wants them, and without a password that came along. */
function echo(call: Call): Record<string, unknown> {
  const { url: _, auth: __, ...rest } = call;
  const isWhole = call.include_init_images === true;
  return isWhole ? rest : { ...rest, init_images: null, mask: null };
}

function runOf({ task, first }: Made): Run | undefined {
  return task.runs.find(({ images }) => images.some(({ id }) => id === first.id));
}

function wordsOf({ call }: Done, made: Made): { prompt: string; negative: string } {
  const run = runOf(made);
  const negative = run?.negativePrompt ?? made.task.params["negative_prompt"];
  return { prompt: run?.prompt ?? call.prompt ?? "", negative: String(negative ?? "") };
}

function modelOf(made: Made | undefined): string {
  return modelFileOf(made && runOf(made));
}

function textOf(done: Done, made: Made): string {
  const { task, image, first } = made;
  const { seed } = first;
  const shown = seed === undefined ? image : { ...image, seed };
  const params = { ...task.params, ...samplingShown(task.params) };
  const of = { task: { ...task, params }, image: shown, model: modelOf(made) };
  return infotext({ ...of, ...wordsOf(done, made) });
}

/** As `Processed.js` of the web UI has it, with what clients here read beside it. */
function infoOf(done: Done): Record<string, unknown> {
  const { call, options, task, made, warnings } = done;
  const { steps, guidance, strength } = task.params;
  const { sampler, scheduler } = samplingShown(task.params);
  const words = made.map((each) => wordsOf(done, each));
  const seeds = made.map(({ first }) => first.seed ?? -1);
  const [image] = made.map((each) => each.image);
  return {
    prompt: words[0]?.prompt,
    all_prompts: words.map(({ prompt }) => prompt),
    negative_prompt: words[0]?.negative,
    all_negative_prompts: words.map(({ negative }) => negative),
    seed: seeds[0],
    all_seeds: seeds,
    subseed: seeds[0],
    all_subseeds: seeds,
    subseed_strength: 0,
    width: image?.width,
    height: image?.height,
    sampler_name: sampler ?? null,
    cfg_scale: guidance ?? null,
    steps: steps ?? null,
    batch_size: call.batch_size ?? 1,
    restore_faces: false,
    face_restoration_model: null,
    sd_model_name: modelOf(made[0]).replace(/\.\w+$/, ""),
    sd_model_hash: "",
    sd_vae_name: options.sd_vae,
    sd_vae_hash: null,
    seed_resize_from_w: -1,
    seed_resize_from_h: -1,
    denoising_strength: strength ?? null,
    extra_generation_params: scheduler === undefined ? {} : { "Schedule type": scheduler },
    index_of_first_image: 0,
    infotexts: made.map((each) => textOf(done, each)),
    styles: call.styles ?? [],
    job_timestamp: stampOf(task.createdAt),
    clip_skip: options.CLIP_stop_at_last_layers,
    is_using_inpainting_conditioning: false,
    version: `comfy-easel ${version}`,
    workflow: task.workflow,
    task_id: task.id,
    warnings,
  };
}

/** `20261201023000` */
export function stampOf(at: string): string {
  return at.replace(/\D/g, "").slice(0, 14);
}
