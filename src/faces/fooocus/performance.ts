import type { performances } from "./fields.ts";

type Performance = (typeof performances)[number];

/** The words of `quality` that stand for Fooocus's. */
export const efforts: Readonly<Record<Performance, string>> = {
  Quality: "quality",
  Speed: "speed",
  "Extreme Speed": "extreme_speed",
  Lightning: "lightning",
  "Hyper-SD": "hyper_sd",
};

export interface Distilled {
  /** The file that Fooocus puts on its base model. */
  lora: RegExp;
  weight: number;
  parameters: Readonly<Record<string, string | number>>;
}

/** What Fooocus does for the fast ones: a LoRA, few steps, no guidance. */
export const distilled: Readonly<Partial<Record<Performance, Distilled>>> = {
  "Extreme Speed": {
    lora: /sdxl_lcm_lora/i,
    weight: 1,
    parameters: { steps: 8, guidance: 1, sampler: "lcm", scheduler: "sgm_uniform" },
  },
  Lightning: {
    lora: /sdxl_lightning_4step_lora/i,
    weight: 1,
    parameters: { steps: 4, guidance: 1, sampler: "euler", scheduler: "sgm_uniform" },
  },
  "Hyper-SD": {
    lora: /sdxl_hyper_sd_4step_lora|hyper-sdxl-4steps?-lora/i,
    weight: 0.8,
    parameters: { steps: 4, guidance: 1, sampler: "dpmpp_sde", scheduler: "karras" },
  },
};

export function isPerformance(word: unknown): word is Performance {
  return typeof word === "string" && Object.hasOwn(efforts, word);
}
