import type { Upload } from "../../tasks/uploads.ts";
import type { TaskRequest } from "../../workflows/request.ts";
import type { Pictures } from "./bring.ts";
import type { FieldName, sides } from "./fields.ts";
import type { Values } from "./read.ts";
import { noEffect, type Wish } from "./wishes.ts";

/** What is made, as a tool here, and the pictures it is made of. */
export interface Job {
  tool: string;
  /** Of the request; `parameters` without the prompt. */
  request: Partial<TaskRequest>;
  parameters: Record<string, unknown>;
  wishes: Wish[];
  warnings: string[];
}

/** How much a variation or an enlargement repaints, as Fooocus sets it. */
const strengths = { "Vary (Subtle)": 0.5, "Vary (Strong)": 0.85, upscale: 0.382 } as const;
const factors: Readonly<Record<string, number>> = {
  "Upscale (1.5x)": 1.5,
  "Upscale (2x)": 2,
  "Upscale (Fast 2x)": 2,
};

/** Which of Fooocus's tabs a call is for: an enlargement or variation, then inpainting, else text. */
export function jobOf(given: Values, pictures: Pictures, hasPrompts: boolean): Job {
  const values = withEnhancement(given);
  const job: Job = {
    tool: "generate_image",
    request: {},
    parameters: {},
    wishes: [],
    warnings: [],
  };
  const method = String(values.uov_method ?? "Disabled");
  const wants = {
    uov: values.uov_input_image !== undefined && method !== "Disabled",
    inpaint: values.inpaint_input_image !== undefined,
  };
  if (wants.uov && (!hasPrompts || values.mixing_image_prompt_and_vary_upscale === true)) {
    varyOrUpscale(job, values, pictures, method);
    if (wants.inpaint) dropped(job, "inpaint_input_image", "uov_input_image");
  } else if (wants.inpaint && (!hasPrompts || values.mixing_image_prompt_and_inpaint === true)) {
    repaint(job, values, pictures);
  } else {
    if (wants.uov) unmixed(job, "uov_input_image", "mixing_image_prompt_and_vary_upscale");
    if (wants.inpaint) unmixed(job, "inpaint_input_image", "mixing_image_prompt_and_inpaint");
  }
  tellUnused(job, given, values);
  addSize(job, given);
  return job;
}

/** Pictures of the call that nothing is made of. */
function tellUnused(job: Job, given: Values, values: Values): void {
  if (values.uov_input_image !== undefined && (values.uov_method ?? "Disabled") === "Disabled") {
    job.warnings.push(noEffect("uov_input_image", 'uov_method is "Disabled"'));
  }
  if (given.enhance_input_image !== undefined && values === given) {
    const why = "no workflow here finds parts of a picture by words and repaints them";
    job.warnings.push(noEffect("enhance_input_image", why));
  }
}

/** Of an enhancement, what is an enlargement or a variation. */
function withEnhancement(values: Values): Values {
  const { enhance_input_image: image, enhance_uov_method: method = "Disabled" } = values;
  if (image === undefined || method === "Disabled") return values;
  return { ...values, uov_input_image: image, uov_method: method };
}

function varyOrUpscale(job: Job, values: Values, pictures: Pictures, method: string): void {
  const image = pictures.enhance_input_image ?? pictures.uov_input_image;
  job.parameters["image"] = image?.id;
  if (method.startsWith("Vary")) {
    job.tool = "img2img";
    const own = Number(values.overwrite_vary_strength ?? -1);
    const value = own > 0 ? own : strengths[method as "Vary (Subtle)"];
    job.wishes.push({ parameter: "strength", value, field: "uov_method" });
    return;
  }
  job.tool = "upscale";
  const factor = factors[method] ?? Number(values.upscale_multiple ?? 1);
  if (factor >= 1.5 && factor <= 4) job.request.factor = factor;
  else if (image) {
    job.parameters["width"] = Math.round(image.width * factor);
    job.parameters["height"] = Math.round(image.height * factor);
  }
  if (method.includes("Fast")) return;
  const own = Number(values.overwrite_upscale_strength ?? -1);
  const value = own > 0 ? own : strengths.upscale;
  job.wishes.push({ parameter: "strength", value, field: "uov_method" });
}

function repaint(job: Job, values: Values, pictures: Pictures): void {
  const selected = Array.isArray(values.outpaint_selections) ? values.outpaint_selections : [];
  const image = pictures.inpaint_input_image;
  job.parameters["image"] = image?.id;
  if (image && selected.length > 0) {
    job.tool = "outpaint";
    if (values.inpaint_mask_image_upload !== undefined) {
      job.warnings.push(
        noEffect(
          "inpaint_mask_image_upload",
          "the picture is extended, and nothing in it repainted",
        ),
      );
    }
    Object.assign(job.request, borders(values, selected, image));
    return;
  }
  job.tool = "inpaint";
  job.parameters["mask"] = pictures.inpaint_mask_image_upload?.id;
  if (values.inpaint_strength !== undefined) {
    const value = values.inpaint_strength;
    job.wishes.push({ parameter: "strength", value, field: "inpaint_strength" });
  }
  const grow = Number(values.inpaint_erode_or_dilate ?? 0);
  if (grow !== 0) job.request.grow = grow;
  if (values.invert_mask_checkbox === true) {
    job.warnings.push(noEffect("invert_mask_checkbox", "Fooocus's own server leaves it out too"));
  }
}

/** Pixels by side: left, top, right, bottom as they are given; else 30 % of that side. */
function borders(
  values: Values,
  selected: readonly unknown[],
  { width, height }: Upload,
): Partial<TaskRequest> {
  const given = Array.isArray(values.outpaint_distance) ? values.outpaint_distance.map(Number) : [];
  const border = (side: (typeof sides)[number], place: number, length: number) => {
    if (!selected.includes(side)) return 0;
    const distance = given[place] ?? 0;
    return distance > 0 ? distance : Math.round(0.3 * length);
  };
  return {
    left: border("Left", 0, width),
    top: border("Top", 1, height),
    right: border("Right", 2, width),
    bottom: border("Bottom", 3, height),
  };
}

const usualSize = "1152*896";

function addSize(job: Job, values: Values): void {
  if (job.tool !== "generate_image") {
    if (values.aspect_ratios_selection === undefined) return;
    const why = "the size follows from the picture that is given";
    job.warnings.push(noEffect("aspect_ratios_selection", why));
    return;
  }
  const asked = String(values.aspect_ratios_selection ?? usualSize);
  const match = /(\d+)\s*[*×x]\s*(\d+)/.exec(asked);
  if (!match) {
    job.warnings.push(
      `aspect_ratios_selection: ${asked.slice(0, 40)} is no size; ${usualSize} was used.`,
    );
  }
  const [width, height] = match ? [Number(match[1]), Number(match[2])] : [1152, 896];
  job.parameters["width"] = positive(values.overwrite_width) ?? width;
  job.parameters["height"] = positive(values.overwrite_height) ?? height;
}

function positive(value: unknown): number | undefined {
  return Number(value ?? -1) > 0 ? Number(value) : undefined;
}

function dropped(job: Job, field: FieldName, first: FieldName): void {
  job.warnings.push(noEffect(field, `${first} goes before it`));
}

function unmixed(job: Job, field: FieldName, flag: FieldName): void {
  job.warnings.push(noEffect(field, `controlnet_image goes before it; set ${flag} to have both`));
}
