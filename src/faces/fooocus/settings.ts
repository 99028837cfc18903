import type { FieldName } from "./fields.ts";
import type { Values } from "./read.ts";
import { noEffect, type Part, type Wish } from "./wishes.ts";
import { text } from "./words.ts";

/** Schedulers that Fooocus makes of a model patch and another scheduler; only that one is here. */
const schedulers: Readonly<Record<string, string>> = {
  lcm: "sgm_uniform",
  tcd: "sgm_uniform",
  "edm_playground_v2.5": "karras",
  turbo: "sgm_uniform",
  align_your_steps: "karras",
};

/** Samplers of Fooocus that ComfyUI has under no name. */
const samplers: Readonly<Record<string, string>> = { tcd: "lcm", restart: "heun" };

/** What sampling is done with: each field as the parameter that workflows have for it. */
export function settingsOf(values: Values): Part {
  const part: Part = { wishes: [], warnings: [] };
  const wish = (parameter: string, value: unknown, field: FieldName) =>
    void part.wishes.push({ parameter, value, field });
  const negative = text(values.negative_prompt);
  if (negative !== "") wish("negative_prompt", negative, "negative_prompt");
  if (values.guidance_scale !== undefined)
    wish("guidance", values.guidance_scale, "guidance_scale");
  named(part, "sampler_name", "sampler", values, samplers);
  named(part, "scheduler_name", "scheduler", values, schedulers);
  const vae = text(values.vae_name);
  if (vae !== "" && !/^(default \(model\)|none)$/i.test(vae)) wish("vae", vae, "vae_name");
  if (values.clip_skip !== undefined) {
    wish("stop_at_clip_layer", -Number(values.clip_skip), "clip_skip");
  }
  const steps = Number(values.overwrite_step ?? -1);
  if (steps > 0) wish("steps", steps, "overwrite_step");
  if (values.freeu_enabled === true) part.wishes.push(...freeu(values));
  addRefiner(part, values, steps);
  if (Number(values.guidance_scale ?? 4) > Number(values.adaptive_cfg ?? 7)) {
    part.warnings.push(
      noEffect("adaptive_cfg", "guidance_scale is used as it is, also above adaptive_cfg"),
    );
  }
  return part;
}

function named(
  part: Part,
  field: "sampler_name" | "scheduler_name",
  parameter: string,
  values: Values,
  others: Readonly<Record<string, string>>,
): void {
  const name = text(values[field]);
  if (name === "") return;
  const other = Object.hasOwn(others, name) ? others[name] : undefined;
  if (other !== undefined)
    part.warnings.push(`${field}: ${name} is not in ComfyUI; ${other} was used.`);
  part.wishes.push({ parameter, value: other ?? name, field });
}

function freeu(values: Values): Wish[] {
  const standard = { freeu_b1: 1.01, freeu_b2: 1.02, freeu_s1: 0.99, freeu_s2: 0.95 } as const;
  return (Object.keys(standard) as (keyof typeof standard)[]).map((field) => ({
    parameter: field,
    value: values[field] ?? standard[field],
    field,
  }));
}

/** Fooocus's own count of steps where none is said. */
const standardSteps = 30;

function addRefiner(part: Part, values: Values, steps: number): void {
  const refiner = text(values.refiner_model_name);
  if (refiner === "" || /^none$/i.test(refiner) || refiner === text(values.base_model_name)) return;
  const all = steps > 0 ? steps : standardSteps;
  const own = Number(values.overwrite_switch ?? -1);
  const at = own > 0 ? own : Math.round(all * Number(values.refiner_switch ?? 0.5));
  part.wishes.push(
    { parameter: "refiner", value: refiner, field: "refiner_model_name" },
    { parameter: "steps", value: all, field: "overwrite_step" },
    { parameter: "switch_at_step", value: Math.min(Math.max(1, at), all), field: "refiner_switch" },
  );
}
