import { noEffect } from "../shared/warnings.ts";
import { isAutomatic } from "./names.ts";

interface Unheard {
  /** Values that ask for nothing. */
  neutral: readonly unknown[];
  why: string;
}

const nothing = [0, -1, 1, false, "", "None"];
const noise = { neutral: [0, 1, 999, "inf"], why: "ComfyUI's samplers have their own" };
const second = (why: string): Unheard => ({ neutral: nothing, why });

/** Fields of the web UI that nothing here follows. */
const unheard: Readonly<Record<string, Unheard>> = {
  subseed: { neutral: nothing, why: "no workflow here mixes two seeds" },
  subseed_strength: { neutral: nothing, why: "no workflow here mixes two seeds" },
  seed_resize_from_w: { neutral: nothing, why: "no workflow here resizes the noise" },
  seed_resize_from_h: { neutral: nothing, why: "no workflow here resizes the noise" },
  restore_faces: { neutral: [false], why: "no workflow here restores faces" },
  tiling: { neutral: [false], why: "no workflow here makes tiles" },
  do_not_save_samples: { neutral: [false], why: "every picture is kept with its task" },
  save_images: { neutral: [true, false], why: "" },
  do_not_save_grid: { neutral: [true, false], why: "" },
  override_settings_restore_afterwards: {
    neutral: [true],
    why: "they are for this call alone; POST /options sets them for others",
  },
  eta: noise,
  s_min_uncond: noise,
  s_churn: noise,
  s_tmin: noise,
  s_tmax: noise,
  s_noise: noise,
  disable_extra_networks: { neutral: [false], why: "take the LoRAs out of the prompt" },
  firstpass_image: { neutral: [""], why: "the first pass is made here" },
  firstphase_width: second("width is that of the first pass"),
  firstphase_height: second("height is that of the first pass"),
  hr_second_pass_steps: second("the second pass has the steps of its workflow"),
  hr_checkpoint_name: second("the second pass has the model of its workflow"),
  hr_sampler_name: second("the second pass has the sampler of its workflow"),
  hr_scheduler: second("the second pass has the scheduler of its workflow"),
  hr_negative_prompt: second("the second pass has the words of its workflow"),
  script_name: { neutral: ["", "None"], why: "scripts of the web UI do not run here" },
  script_args: { neutral: [], why: "scripts of the web UI do not run here" },
  comments: { neutral: [], why: "they are not kept" },
  infotext: { neutral: [""], why: "send what it says as fields" },
  image_cfg_scale: { neutral: [0, 1, 1.5], why: "no workflow here has it" },
  mask_round: { neutral: [true], why: "grey parts of a mask are repainted in part" },
  latent_mask: { neutral: [""], why: "send it as mask" },
  inpainting_fill: { neutral: [0, 1], why: "the workflow itself says what it starts from" },
  inpaint_full_res: {
    neutral: [false, 0],
    why: "the whole picture is looked at, not the masked part alone",
  },
  inpaint_full_res_padding: { neutral: [0, 32], why: "the whole picture is looked at" },
  initial_noise_multiplier: { neutral: [1], why: "no workflow here has it" },
  // Which address a client of its own calls, and how it logs in there, is no part of the call.
  url: { neutral: [], why: "" },
  auth: { neutral: [], why: "" },
};

/** What of a call has no effect, as far as it asks for something. */
export function unheardIn(
  call: Readonly<Record<string, unknown>>,
  known: readonly string[],
): string[] {
  return Object.entries(call).flatMap(([name, value]) => {
    if (known.includes(name) || isNothing(value)) return [];
    if (name === "alwayson_scripts") return scriptsIn(value);
    const field = Object.hasOwn(unheard, name) ? unheard[name] : undefined;
    if (!field) return [noEffect(name.slice(0, 60), "there is no such field")];
    if (field.why === "" || field.neutral.includes(value)) return [];
    if (typeof value === "string" && isAutomatic(value)) return [];
    return [noEffect(name, field.why)];
  });
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function scriptsIn(value: unknown): string[] {
  const names = typeof value === "object" && value !== null ? Object.keys(value) : [];
  return names.map((name) =>
    noEffect(`alwayson_scripts ${name.slice(0, 60)}`, "scripts of the web UI do not run here"),
  );
}

/** What the web UI reads in a prompt and ComfyUI takes for plain words. */
export function unreadIn(field: string, prompt: string): string[] {
  const found = [
    /\bBREAK\b/.exec(prompt)?.[0],
    /\bAND\b/.exec(prompt)?.[0],
    /\[[^[\]]*:[^[\]]*\]/.exec(prompt)?.[0],
    /<(?:hypernet|lyco):[^<>]*>/.exec(prompt)?.[0],
  ].flatMap((each) => (each === undefined ? [] : [each]));
  return found.map((words) =>
    noEffect(`${words.slice(0, 40)} in ${field}`, "ComfyUI reads it as plain words"),
  );
}
