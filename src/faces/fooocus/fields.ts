/**
 * Every field of FooocusAPI's generate call, as its server declares it: type, limits and default.
 * One table for reading, for what is told back as `req_params`, and for what is warned of.
 */
export interface Field {
  type: "text" | "texts" | "boolean" | "integer" | "number" | "image" | "list" | "integers";
  minimum?: number;
  maximum?: number;
  choices?: readonly string[];
  default: unknown;
  /** Why nothing here follows it; said unless the value is one of `neutral`. */
  unheard?: string;
  /** Values that ask for nothing beside the default. */
  neutral?: readonly unknown[];
}

export const performances = ["Quality", "Speed", "Extreme Speed", "Lightning", "Hyper-SD"] as const;
export const uovMethods = [
  "Disabled",
  "Vary (Subtle)",
  "Vary (Strong)",
  "Upscale (1.5x)",
  "Upscale (2x)",
  "Upscale (Fast 2x)",
  "Upscale (Custom)",
] as const;
export const promptTypes = ["ImagePrompt", "FaceSwap", "PyraCanny", "CPDS"] as const;
export const sides = ["Left", "Right", "Top", "Bottom"] as const;

const text = (value = ""): Field => ({ type: "text", default: value });
const flag = (value = false): Field => ({ type: "boolean", default: value });
const picture: Field = { type: "image", default: null };
const whole = (minimum: number, maximum: number, value: number): Field => ({
  type: "integer",
  minimum,
  maximum,
  default: value,
});
const real = (minimum: number, maximum: number, value: number): Field => ({
  type: "number",
  minimum,
  maximum,
  default: value,
});
const unheard = (field: Field, why: string, neutral: readonly unknown[] = []): Field => ({
  ...field,
  unheard: why,
  neutral,
});

const debugging = "what Fooocus shows for debugging is not shown here";
const patched = "it changes Fooocus's own patch of the sampler, which ComfyUI does not have";
const enhancing = "no workflow here finds parts of a picture by words and repaints them";
const inpainter = "it is about Fooocus's own inpainting patch, which ComfyUI does not have";

export const fields = {
  prompt: text(),
  negative_prompt: text(),
  style_selections: { type: "texts", default: [] },
  performance_selection: { ...text("Speed"), choices: performances },
  aspect_ratios_selection: text("1152*896"),
  image_number: whole(1, 32, 1),
  output_format: { ...text("png"), choices: ["png", "jpeg", "jpg", "webp"] },
  image_seed: { type: "integer", default: -1 },
  read_wildcards_in_order: flag(),
  disable_seed_increment: flag(),
  sharpness: unheard(real(0, 30, 2), "ComfyUI has no filter like Fooocus's", [0]),
  guidance_scale: real(1, 30, 4),
  base_model_name: text(),
  refiner_model_name: text("None"),
  refiner_switch: real(0.1, 1, 0.5),
  loras: { type: "list", default: [] },
  sampler_name: text(),
  scheduler_name: text(),
  vae_name: text("Default (model)"),
  clip_skip: whole(1, 12, 2),
  adaptive_cfg: real(1, 30, 7),
  adm_scaler_positive: unheard(real(0, 3, 1.5), patched, [1]),
  adm_scaler_negative: unheard(real(0, 3, 0.8), patched, [1]),
  adm_scaler_end: unheard(real(0, 1, 0.3), patched, [0]),
  overwrite_step: { type: "integer", default: -1 },
  overwrite_switch: { type: "integer", default: -1 },
  overwrite_width: whole(-1, 2048, -1),
  overwrite_height: whole(-1, 2048, -1),
  overwrite_vary_strength: real(-1, 1, -1),
  overwrite_upscale_strength: real(-1, 1, -1),
  refiner_swap_method: unheard(
    text("joint"),
    "the refiner always takes over the latent of the base model",
    ["joint", "separate"],
  ),
  freeu_enabled: flag(),
  freeu_b1: real(0, 2, 1.01),
  freeu_b2: real(0, 2, 1.02),
  freeu_s1: real(0, 4, 0.99),
  freeu_s2: real(0, 4, 0.95),
  disable_preview: flag(),
  disable_intermediate_results: flag(),
  black_out_nsfw: unheard(flag(), "pictures are not judged here", [false]),
  preset: text("initial"),
  input_image_checkbox: flag(),
  current_tab: text("uov"),
  uov_method: { ...text("Disabled"), choices: uovMethods },
  uov_input_image: picture,
  upscale_multiple: real(1, 5, 1),
  inpaint_input_image: picture,
  inpaint_mask_image_upload: picture,
  inpaint_additional_prompt: text(),
  outpaint_selections: { type: "texts", choices: sides, default: [] },
  outpaint_distance: { type: "integers", default: [0, 0, 0, 0] },
  inpaint_engine: unheard(text("v2.6"), inpainter, ["None"]),
  inpaint_strength: real(0, 1, 1),
  inpaint_respective_field: unheard(
    real(0, 1, 0.618),
    "the whole picture is seen when a part of it is repainted",
    [1],
  ),
  inpaint_disable_initial_latent: unheard(flag(), inpainter, [false]),
  debugging_inpaint_preprocessor: unheard(flag(), debugging, [false]),
  inpaint_advanced_masking_checkbox: flag(),
  inpaint_mask_upload_checkbox: flag(),
  invert_mask_checkbox: flag(),
  inpaint_erode_or_dilate: whole(-64, 64, 0),
  controlnet_image: { type: "list", default: [] },
  mixing_image_prompt_and_vary_upscale: flag(),
  mixing_image_prompt_and_inpaint: flag(),
  debugging_cn_preprocessor: unheard(flag(), debugging, [false]),
  skipping_cn_preprocessor: flag(),
  canny_low_threshold: whole(1, 255, 64),
  canny_high_threshold: whole(1, 255, 128),
  controlnet_softness: unheard(real(0, 1, 0.25), patched, [0]),
  enhance_input_image: picture,
  enhance_checkbox: unheard(flag(), enhancing, [false]),
  enhance_uov_method: { ...text("Disabled"), choices: uovMethods },
  enhance_uov_processing_order: unheard(text("Before First Enhancement"), enhancing, [
    "Before First Enhancement",
  ]),
  enhance_uov_prompt_type: unheard(text("Original Prompts"), enhancing, ["Original Prompts"]),
  enhance_ctrls: unheard({ type: "list", default: [] }, enhancing),
  debugging_dino: unheard(flag(), debugging, [false]),
  dino_erode_or_dilate: unheard(whole(-64, 64, 0), enhancing, [0]),
  debugging_enhance_masks_checkbox: unheard(flag(), debugging, [false]),
  save_final_enhanced_image_only: unheard(flag(), enhancing, [false]),
  save_metadata_to_images: flag(true),
  metadata_scheme: { ...text("fooocus"), choices: ["fooocus", "a1111"] },
  generate_image_grid: unheard(flag(), "pictures come one by one", [false]),
  save_name: text(),
  stream_output: flag(),
  async_process: flag(),
  require_base64: flag(),
  webhook_url: text(),
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof fields;

export function fieldOf(name: string): Field | undefined {
  return Object.hasOwn(fields, name) ? fields[name as FieldName] : undefined;
}
