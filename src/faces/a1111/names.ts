/** A sampler of the web UI: ComfyUI's name of it, and the schedule it has where none is chosen. */
interface Sampler {
  name: string;
  sampler: string;
  scheduler?: string;
  aliases: string[];
}

/** AUTOMATIC1111 1.10, `modules/sd_samplers_kdiffusion.py` and `sd_samplers_timesteps.py`. */
export const samplers: readonly Sampler[] = [
  { name: "DPM++ 2M", sampler: "dpmpp_2m", scheduler: "karras", aliases: ["k_dpmpp_2m"] },
  { name: "DPM++ SDE", sampler: "dpmpp_sde", scheduler: "karras", aliases: ["k_dpmpp_sde"] },
  {
    ...{ name: "DPM++ 2M SDE", sampler: "dpmpp_2m_sde", scheduler: "exponential" },
    aliases: ["k_dpmpp_2m_sde"],
  },
  {
    ...{ name: "DPM++ 2M SDE Heun", sampler: "dpmpp_2m_sde_heun", scheduler: "exponential" },
    aliases: ["k_dpmpp_2m_sde_heun"],
  },
  {
    ...{ name: "DPM++ 2S a", sampler: "dpmpp_2s_ancestral", scheduler: "karras" },
    aliases: ["k_dpmpp_2s_a"],
  },
  {
    ...{ name: "DPM++ 3M SDE", sampler: "dpmpp_3m_sde", scheduler: "exponential" },
    aliases: ["k_dpmpp_3m_sde"],
  },
  { name: "Euler a", sampler: "euler_ancestral", aliases: ["k_euler_a", "k_euler_ancestral"] },
  { name: "Euler", sampler: "euler", aliases: ["k_euler"] },
  { name: "LMS", sampler: "lms", aliases: ["k_lms"] },
  { name: "Heun", sampler: "heun", aliases: ["k_heun"] },
  { name: "DPM2", sampler: "dpm_2", scheduler: "karras", aliases: ["k_dpm_2"] },
  { name: "DPM2 a", sampler: "dpm_2_ancestral", scheduler: "karras", aliases: ["k_dpm_2_a"] },
  { name: "DPM fast", sampler: "dpm_fast", aliases: ["k_dpm_fast"] },
  { name: "DPM adaptive", sampler: "dpm_adaptive", aliases: ["k_dpm_ad"] },
  { name: "DDIM", sampler: "ddim", aliases: ["ddim"] },
  { name: "UniPC", sampler: "uni_pc", aliases: ["unipc"] },
  { name: "LCM", sampler: "lcm", aliases: ["k_lcm"] },
];

interface Scheduler {
  name: string;
  label: string;
  /** ComfyUI's name of it. */
  scheduler: string;
}

/** AUTOMATIC1111 1.10, `modules/sd_schedulers.py`; those that ComfyUI has too. */
export const schedulers: readonly Scheduler[] = [
  { name: "uniform", label: "Uniform", scheduler: "normal" },
  { name: "karras", label: "Karras", scheduler: "karras" },
  { name: "exponential", label: "Exponential", scheduler: "exponential" },
  { name: "sgm_uniform", label: "SGM Uniform", scheduler: "sgm_uniform" },
  { name: "kl_optimal", label: "KL Optimal", scheduler: "kl_optimal" },
  { name: "simple", label: "Simple", scheduler: "simple" },
  { name: "normal", label: "Normal", scheduler: "normal" },
  { name: "ddim", label: "DDIM", scheduler: "ddim_uniform" },
  { name: "beta", label: "Beta", scheduler: "beta" },
];

/** Leaves the choice to the server. */
export const automatic = "Automatic";

export function isAutomatic(name: string | undefined): boolean {
  return (
    name === undefined ||
    /^(automatic|none|default|use same (sampler|scheduler|checkpoint))$/i.test(name)
  );
}

/** What is to be sampled with; a name that the web UI does not have may be one of ComfyUI's. */
export interface Sampling {
  sampler?: string;
  scheduler?: string;
}

/** Older clients name the schedule behind the sampler: `DPM++ 2M Karras`. */
export function samplingOf(sampler: string | undefined, schedule: string | undefined): Sampling {
  const named = isAutomatic(sampler) ? undefined : sampler?.trim();
  const known = named === undefined ? undefined : samplerNamed(named);
  const ending = known || named === undefined ? undefined : endingOf(named);
  const found = known ?? ending?.sampler;
  const said = isAutomatic(schedule) ? undefined : schedule?.trim();
  const scheduler =
    said === undefined ? (ending?.scheduler ?? found?.scheduler) : schedulerNamed(said);
  return {
    ...(named === undefined ? {} : { sampler: found?.sampler ?? named }),
    ...(scheduler === undefined ? {} : { scheduler }),
  };
}

function samplerNamed(name: string): Sampler | undefined {
  const wanted = name.toLowerCase();
  return samplers.find((each) => [each.name.toLowerCase(), ...each.aliases].includes(wanted));
}

/** By its label or name; one that is not known is handed on as it is. */
function schedulerNamed(name: string): string {
  const wanted = name.toLowerCase();
  const known = schedulers.find((each) => [each.name, each.label.toLowerCase()].includes(wanted));
  return known?.scheduler ?? wanted.replaceAll(" ", "_");
}

function endingOf(name: string): { sampler: Sampler; scheduler: string } | undefined {
  const lower = name.toLowerCase();
  for (const { label, scheduler } of schedulers) {
    const end = ` ${label.toLowerCase()}`;
    const sampler = lower.endsWith(end) ? samplerNamed(lower.slice(0, -end.length)) : undefined;
    if (sampler) return { sampler, scheduler };
  }
  return undefined;
}

/** ComfyUI's names as the web UI calls them, where it has them. */
export function samplingShown({ sampler, scheduler }: Readonly<Record<string, unknown>>): Sampling {
  const known = samplers.find((each) => each.sampler === sampler)?.name;
  const label = schedulers.find((each) => each.scheduler === scheduler)?.label;
  return {
    ...(typeof sampler === "string" ? { sampler: known ?? sampler } : {}),
    ...(typeof scheduler === "string" ? { scheduler: label ?? scheduler } : {}),
  };
}
