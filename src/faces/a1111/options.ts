import type { Studio } from "../../studio/studio.ts";
import { nearest } from "../../words.ts";
import type { FaceContext } from "../shared/env.ts";
import { HttpProblem } from "../shared/fastapi.ts";
import { type Here, hereOf } from "../shared/here.ts";
import { fileOf } from "../shared/names.ts";
import { noEffect } from "../shared/warnings.ts";
import { automatic, isAutomatic } from "./names.ts";
import { readSettings } from "./schema.ts";

/** Of the web UI's settings those that are followed, as they are at first. */
const followed = {
  sd_model_checkpoint: automatic as string,
  sd_vae: automatic as string,
  CLIP_stop_at_last_layers: 1,
  samples_format: "png",
  live_previews_enable: true,
};

export type Options = typeof followed;

/** Those that clients read, or send along, and that nothing follows; as they are in the web UI at first. */
const fixed: Readonly<Record<string, unknown>> = {
  sd_checkpoint_hash: "",
  sd_hypernetwork: "None",
  forge_additional_modules: [],
  eta_noise_seed_delta: 0,
  ddim_discretize: "uniform",
  img2img_fix_steps: false,
  inpainting_mask_weight: 1,
  initial_noise_multiplier: 1,
  comma_padding_backtrack: 20,
  jpeg_quality: 80,
  save_images_add_number: true,
  send_seed: true,
  send_size: true,
  show_progress_every_n_steps: 10,
};

const name = "a1111";

export async function optionsOf(studio: Studio): Promise<Options> {
  const set = await studio.settings.get(name);
  return { ...followed, ...(typeof set === "object" ? set : {}) };
}

/** `GET /options` */
export async function getOptions(c: FaceContext): Promise<Response> {
  return c.json({ ...fixed, ...(await optionsOf(c.get("studio"))) });
}

/** `POST /options`: some of them, or all as they were read. Throws for a model that is not here. */
export async function postOptions(c: FaceContext): Promise<Response> {
  const studio = c.get("studio");
  const { options, warnings } = withOptions(await optionsOf(studio), await readSettings(c));
  const { sd_model_checkpoint: title } = options;
  const here = await hereOf(studio);
  // While no ComfyUI can be asked, nobody knows what is there.
  if (here.installed.models.length > 0 && !isAutomatic(title) && !modelOf(title, here)) {
    const titles = titlesOf(here);
    const near = nearest(title, titles, 3);
    const hint = near.length > 0 ? ` Did you mean ${near.join(" or ")}?` : "";
    throw new HttpProblem(404, `model ${JSON.stringify(title.slice(0, 80))} not found.${hint}`);
  }
  await studio.settings.set(name, options);
  // What the web UI answers says nothing.
  return c.json(warnings.length > 0 ? { warnings } : null);
}

/** Options with others over them; what is not followed is told where it differs from what the web UI has. */
export function withOptions(
  options: Options,
  given: Readonly<Record<string, unknown>>,
): { options: Options; warnings: string[] } {
  const next: Record<string, unknown> = { ...options };
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    const isModel = key === "sd_model_checkpoint" || key === "sd_vae";
    if (value === null || value === "") {
      if (isModel) next[key] = automatic;
      continue;
    }
    const why = refusalOf(key, value);
    if (why !== undefined) warnings.push(noEffect(key.slice(0, 60), why));
    else if (Object.hasOwn(followed, key)) next[key] = value;
  }
  // Each is of the type of the one that it replaces.
  return { options: next as Options, warnings };
}

/** Why a setting has no effect; undefined for one that is followed, or that says what is so anyway. */
function refusalOf(key: string, value: unknown): string | undefined {
  if (!Object.hasOwn(followed, key)) {
    const isUsual = JSON.stringify(fixed[key]) === JSON.stringify(value);
    return isUsual ? undefined : "nothing here follows that setting";
  }
  const type = typeof followed[key as keyof Options];
  if (typeof value !== type) return `it is no ${type}`;
  const isFormat = key !== "samples_format" || /^(png|jpe?g|webp)$/.test(String(value));
  return isFormat ? undefined : "there are png, jpg and webp";
}

export interface Model {
  workflow?: string;
  /** As ComfyUI spells it. */
  file?: string;
}

/** Titles of what makes pictures from words: files, then workflows by name. */
export function titlesOf(here: Here): string[] {
  const files = here.installed.models.filter(({ tool }) => tool === "generate_image");
  const workflows = here.workflows.filter(
    ({ workflow, ready }) => workflow.tool === "generate_image" && ready !== false,
  );
  return [
    ...new Set(files.flatMap((each) => each.files)),
    ...workflows.map(({ workflow }) => workflow.name),
  ];
}

/** What a title stands for, with the web UI's hash behind it or without; for one tool, or any. */
export function modelOf(title: string, here: Here, tool?: string): Model | undefined {
  const bare = title.replace(/ \[[0-9a-f]+\]$/, "");
  const isFor = (of: string) => tool === undefined || of === tool;
  const files = here.installed.models.filter((each) => isFor(each.tool));
  const file = fileOf(
    bare,
    files.flatMap((each) => each.files),
  );
  if (file !== undefined) return { file };
  const named = here.workflows.some(
    ({ workflow }) => workflow.name === bare && isFor(workflow.tool),
  );
  return named ? { workflow: bare } : undefined;
}
