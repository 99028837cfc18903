import type { Upload } from "../../tasks/uploads.ts";
import type { OutputFormat, TaskRequest } from "../../workflows/request.ts";
import { chooseWorkflow, takes } from "../shared/choose.ts";
import type { Here } from "../shared/here.ts";
import { lorasIn, pickLoras } from "../shared/loras.ts";
import { fileOf } from "../shared/names.ts";
import { noEffect } from "../shared/warnings.ts";
import { isAutomatic, samplingOf } from "./names.ts";
import { type Model, modelOf, type Options } from "./options.ts";
import { type Call, known } from "./schema.ts";
import { unheardIn, unreadIn } from "./unheard.ts";

/** Pictures of a call, as they are to be worked on. */
export interface Pictures {
  image?: Upload;
  mask?: Upload;
}

export interface Mapped {
  tool: string;
  request: TaskRequest;
  /** What of the call has no effect, or another one than in the web UI. */
  warnings: string[];
}

/** A setting, the parameter that workflows have for it, and the field that asks for it. */
interface Wish {
  parameter: string;
  value: unknown;
  field: string;
}

/** A call of `txt2img` or `img2img` as one of our tools. */
export function mapCall(call: Call, options: Options, pictures: Pictures, here: Here): Mapped {
  const tool = toolFor(pictures);
  const { prompt, loras: named } = lorasIn(call.prompt ?? "");
  const loras = pickLoras(named, here.installed.loras);
  const styles = stylesOf(call.styles ?? [], here.styles);
  const model = chosenModel(options, here, tool);
  const wishes = wishesOf(call, options, tool, here);
  const hasLoras = loras.loras.length > 0;
  const wanted = { tool, wishes, effort: undefined, hasLoras, model: model.file };
  const { states, installed } = { states: here.workflows, installed: here.installed.models };
  const workflow =
    here.workflows.find(({ workflow: each }) => each.tool === tool && each.name === model.workflow)
      ?.workflow ?? chooseWorkflow(states, installed, wanted);
  const taken = wishes.filter(({ parameter }) => !workflow || takes(workflow, parameter));
  const left = wishes.filter((wish) => !taken.includes(wish));
  const request: TaskRequest = {
    ...(workflow ? { workflow: workflow.name } : {}),
    ...(model.file === undefined ? {} : { model: model.file }),
    ...(hasLoras ? { loras: loras.loras } : {}),
    ...(styles.names.length > 0 ? { styles: styles.names } : {}),
    ...(tool === "inpaint" ? softened(call) : {}),
    ...seedOf(call),
    count: (call.batch_size ?? 1) * (call.n_iter ?? 1),
    outputFormat: formatOf(options),
    parameters: {
      ...(tool === "generate_image" ? sizeOf(call) : {}),
      ...Object.fromEntries(Object.entries(pictures).map(([name, { id }]) => [name, id])),
      prompt,
      ...Object.fromEntries(taken.map(({ parameter, value }) => [parameter, value])),
    },
  };
  const warnings = [
    ...model.warnings,
    ...loras.problems,
    ...styles.warnings,
    ...left.map(({ field, parameter }) =>
      noEffect(field, `workflow ${workflow?.name} has no ${parameter}`),
    ),
    ...unreadIn("prompt", prompt),
    ...unreadIn("negative_prompt", call.negative_prompt ?? ""),
    ...unheardIn(heard(call), known),
  ];
  return { tool, request, warnings: [...new Set(warnings)] };
}

/** Without what the web UI itself leaves out: what a second pass is like, where there is none. */
function heard(call: Call): Record<string, unknown> {
  if (call.enable_hr === true) return call;
  return Object.fromEntries(Object.entries(call).filter(([name]) => !name.startsWith("hr_")));
}

function toolFor({ image, mask }: Pictures): string {
  if (mask) return "inpaint";
  return image ? "img2img" : "generate_image";
}

export function formatOf({ samples_format: format }: Options): OutputFormat {
  if (format === "png" || format === "webp") return format;
  return "jpeg";
}

function sizeOf({ width, height }: Call): Record<string, unknown> {
  return {
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
  };
}

function seedOf({ seed }: Call): Partial<TaskRequest> {
  return seed === undefined || seed < 0 ? {} : { seed };
}

/** Four pixels is what the web UI fades a mask over where nothing is said. */
function softened({ mask_blur: blur, mask_blur_x: x, mask_blur_y: y }: Call): Partial<TaskRequest> {
  return { feather: Math.min(256, blur ?? Math.max(x ?? 4, y ?? 4)) };
}

function chosenModel(
  { sd_model_checkpoint: title }: Options,
  here: Here,
  tool: string,
): Model & { warnings: string[] } {
  if (isAutomatic(title)) return { warnings: [] };
  const model = modelOf(title, here, tool);
  if (model) return { ...model, warnings: [] };
  const why = modelOf(title, here)
    ? `no workflow for ${tool} takes ${JSON.stringify(title.slice(0, 80))}`
    : `${JSON.stringify(title.slice(0, 80))} is not installed on this ComfyUI`;
  return { warnings: [noEffect("sd_model_checkpoint", why)] };
}

function stylesOf(
  asked: readonly string[],
  ours: readonly string[],
): { names: string[]; warnings: string[] } {
  const found = asked.map((name) => ({
    name,
    own: ours.find((each) => each.toLowerCase() === name.toLowerCase()),
  }));
  return {
    names: found.flatMap(({ own }) => (own === undefined ? [] : [own])),
    warnings: found
      .filter(({ name, own }) => own === undefined && !isAutomatic(name))
      .map(({ name }) =>
        noEffect(`style ${name.slice(0, 60)}`, "GET /prompt-styles names those there are"),
      ),
  };
}

function wishesOf(call: Call, options: Options, tool: string, here: Here): Wish[] {
  const { sampler, scheduler } = samplingOf(
    call.sampler_name ?? call.sampler_index,
    call.scheduler,
  );
  const skip = call.clip_skip ?? options.CLIP_stop_at_last_layers;
  const wishes: (Wish | undefined)[] = [
    wish("negative_prompt", call.negative_prompt, "negative_prompt"),
    wish("steps", call.steps, "steps"),
    guidanceOf(call),
    wish("sampler", sampler, "sampler_name"),
    wish("scheduler", scheduler, "scheduler"),
    wish("vae", isAutomatic(options.sd_vae) ? undefined : options.sd_vae, "sd_vae"),
    wish("stop_at_clip_layer", skip > 1 ? -skip : undefined, "clip_skip"),
    wish(
      "strength",
      tool === "generate_image" ? undefined : (call.denoising_strength ?? usualStrength),
      "denoising_strength",
    ),
    ...refinerOf(call, here),
  ];
  return wishes.filter((each) => each !== undefined);
}

/** Of img2img in the web UI. */
const usualStrength = 0.75;

function wish(parameter: string, value: unknown, field: string): Wish | undefined {
  return value === undefined ? undefined : { parameter, value, field };
}

/** Forge has a number of its own for models of FLUX's kind, beside a `cfg_scale` of 1. */
function guidanceOf({ cfg_scale: scale, distilled_cfg_scale: distilled }: Call): Wish | undefined {
  return distilled !== undefined && (scale ?? 1) === 1
    ? wish("guidance", distilled, "distilled_cfg_scale")
    : wish("guidance", scale, "cfg_scale");
}

/** The web UI's own count of steps where none is said. */
const usualSteps = 50;

function refinerOf(call: Call, { installed }: Here): Wish[] {
  const { refiner_checkpoint: name, refiner_switch_at: at = 0.8, steps = usualSteps } = call;
  if (name === undefined || isAutomatic(name)) return [];
  const files = installed.models.flatMap((each) => each.files);
  const switchAt = Math.min(Math.max(1, Math.round(steps * at)), steps);
  return [
    {
      ...{ parameter: "refiner", field: "refiner_checkpoint" },
      value: fileOf(name.replace(/ \[[0-9a-f]+\]$/, ""), files) ?? name,
    },
    { parameter: "steps", value: steps, field: "steps" },
    { parameter: "switch_at_step", value: switchAt, field: "refiner_switch_at" },
  ];
}
