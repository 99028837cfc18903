import type { Values } from "./read.ts";
import { noEffect } from "./wishes.ts";

/** What a preset of Fooocus's sets where the call does not. */
const presets: Readonly<Record<string, Values>> = {
  initial: {},
  default: {},
  anime: {
    base_model_name: "animaPencilXL_v500.safetensors",
    guidance_scale: 6,
    style_selections: ["Fooocus Semi Realistic", "Fooocus Masterpiece"],
    aspect_ratios_selection: "896*1152",
  },
  lcm: { performance_selection: "Extreme Speed" },
  lightning: { performance_selection: "Lightning" },
  "playground_v2.5": {
    base_model_name: "playground-v2.5-1024px-aesthetic.fp16.safetensors",
    guidance_scale: 2,
    sampler_name: "dpmpp_2m",
    scheduler_name: "edm_playground_v2.5",
    aspect_ratios_selection: "1024*1024",
  },
  pony_v6: {
    base_model_name: "ponyDiffusionV6XL.safetensors",
    vae_name: "ponyDiffusionV6XL_vae.safetensors",
    guidance_scale: 7,
    style_selections: ["Fooocus Pony"],
    aspect_ratios_selection: "896*1152",
  },
  realistic: {
    base_model_name: "realisticStockPhoto_v20.safetensors",
    guidance_scale: 3,
    style_selections: ["Fooocus Photograph"],
    aspect_ratios_selection: "896*1152",
  },
  sai: {
    base_model_name: "sd_xl_base_1.0_0.9vae.safetensors",
    refiner_model_name: "sd_xl_refiner_1.0_0.9vae.safetensors",
    refiner_switch: 0.75,
    guidance_scale: 7,
    style_selections: ["Fooocus Cinematic"],
  },
};

/** The call with what its preset sets. */
export function withPreset(values: Values): { values: Values; warnings: string[] } {
  const name = String(values.preset ?? "initial").replace(/\.json$/, "");
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset) return { values: { ...preset, ...values }, warnings: [] };
  const known = Object.keys(presets).join(", ");
  return {
    values,
    warnings: [
      noEffect("preset", `there is no ${JSON.stringify(name.slice(0, 40))}; known are ${known}`),
    ],
  };
}
