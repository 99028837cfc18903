import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { ObjectInfo } from "../../src/comfy/protocol.ts";
import { messageOf } from "../../src/errors.ts";
import { type FieldName, fields } from "../../src/faces/fooocus/fields.ts";
import { mapCall } from "../../src/faces/fooocus/map.ts";
import { readCall } from "../../src/faces/fooocus/read.ts";
import type { Here } from "../../src/faces/shared/here.ts";
import type { Upload } from "../../src/tasks/uploads.ts";
import { type PlanSources, plan } from "../../src/workflows/plan.ts";
import { graphOf } from "../../src/workflows/recipe.ts";
import { Styles } from "../../src/workflows/styles.ts";
import { type Graph, inputsOf, startFooocus } from "./fooocus-support.ts";

const photo = "photo";
const mask = "mask";

interface Row {
  body: () => Record<string, unknown>;
  /** What ComfyUI is sent. */
  graph?: (graph: Graph) => void;
  /** What is told instead, or beside. */
  warning?: RegExp;
}

/** A checkpoint is asked for, so that it is the workflow of Stable Diffusion that follows. */
const sdxl = { base_model_name: "sd_xl_base_1.0.safetensors" };
const sampler = (graph: Graph) =>
  graph["3"]?.inputs ?? Object.values(graph).find((node) => node.class_type === "KSampler")?.inputs;
const given = (extra: Record<string, unknown>) => () => ({ prompt: "a boat", ...sdxl, ...extra });
const warned = (field: FieldName, value: unknown): Row => ({
  body: given({ [field]: value }),
  warning: new RegExp(`^${field} has no effect: `),
});
const guided = (type: string, extra: Record<string, unknown> = {}) =>
  given({
    controlnet_image: [{ cn_img: photo, cn_type: type, cn_weight: 0.7, cn_stop: 0.4 }],
    ...extra,
  });

const rows: Partial<Record<FieldName, Row>> = {
  prompt: {
    body: given({}),
    graph: (graph) => expect(graph["6"]?.inputs["text"]).toBe("a boat"),
  },
  negative_prompt: {
    body: given({ negative_prompt: "people" }),
    graph: (graph) => expect(graph["7"]?.inputs["text"]).toBe("people"),
  },
  style_selections: {
    body: given({ style_selections: ["Fooocus V2", "SAI Origami", "Mk Gyotaku"] }),
    graph: (graph) =>
      expect(graph["6"]?.inputs["text"]).toMatch(/origami.*gyotaku|gyotaku.*origami/is),
    warning: /^style_selections: Fooocus V2 has no effect/,
  },
  performance_selection: {
    body: given({ performance_selection: "Lightning" }),
    graph: (graph) => {
      expect(sampler(graph)).toMatchObject({ steps: 4, cfg: 1, sampler_name: "euler" });
      expect(inputsOf(graph, "LoraLoader")["lora_name"]).toBe(
        "sdxl_lightning_4step_lora.safetensors",
      );
    },
  },
  aspect_ratios_selection: {
    body: given({ aspect_ratios_selection: "1152×896" }),
    graph: (graph) =>
      expect(inputsOf(graph, "EmptyLatentImage")).toMatchObject({ width: 1152, height: 896 }),
  },
  sharpness: warned("sharpness", 5),
  guidance_scale: {
    body: given({ guidance_scale: "6.5" }),
    graph: (graph) => expect(sampler(graph)).toMatchObject({ cfg: 6.5 }),
  },
  base_model_name: {
    body: () => ({ prompt: "a boat", base_model_name: "juggernautXL_v8Rundiffusion.safetensors" }),
    warning: /^base_model_name has no effect: "juggernautXL_v8Rundiffusion/,
  },
  refiner_model_name: {
    body: given({ refiner_model_name: "sd_xl_refiner_1.0", refiner_switch: 0.8 }),
    graph: (graph) => {
      expect(graph["24"]?.inputs["ckpt_name"]).toBe("sd_xl_refiner_1.0.safetensors");
      expect(graph["3"]?.inputs).toMatchObject({ steps: 30, end_at_step: 24 });
      expect(graph["23"]?.inputs).toMatchObject({
        steps: 30,
        start_at_step: 24,
        add_noise: "disable",
      });
    },
  },
  loras: {
    body: given({
      loras: [
        { enabled: true, model_name: "sdxl_lightning_8step_lora", weight: 0.6 },
        { enabled: false, model_name: "other.safetensors", weight: 1 },
        { enabled: true, model_name: "missing.safetensors", weight: 1 },
      ],
    }),
    graph: (graph) =>
      expect(inputsOf(graph, "LoraLoader")).toMatchObject({
        lora_name: "sdxl_lightning_8step_lora.safetensors",
        strength_model: 0.6,
      }),
    warning: /^loras has no effect: "missing.safetensors" is not installed/,
  },
  sampler_name: {
    body: given({ sampler_name: "dpmpp_3m_sde_gpu" }),
    graph: (graph) => expect(sampler(graph)).toMatchObject({ sampler_name: "dpmpp_3m_sde_gpu" }),
  },
  scheduler_name: {
    body: given({ scheduler_name: "lcm" }),
    graph: (graph) => expect(sampler(graph)).toMatchObject({ scheduler: "sgm_uniform" }),
    warning: /^scheduler_name: lcm is not in ComfyUI; sgm_uniform was used/,
  },
  vae_name: {
    body: given({ vae_name: "sdxl_vae.safetensors" }),
    graph: (graph) => {
      expect(inputsOf(graph, "VAELoader")["vae_name"]).toBe("sdxl_vae.safetensors");
      expect(graph["8"]?.inputs["vae"]).toEqual(["22", 0]);
    },
  },
  clip_skip: {
    body: given({ clip_skip: 2 }),
    graph: (graph) => expect(inputsOf(graph, "CLIPSetLastLayer")["stop_at_clip_layer"]).toBe(-2),
  },
  adaptive_cfg: {
    body: given({ adaptive_cfg: 3, guidance_scale: 8 }),
    warning: /^adaptive_cfg has no effect/,
  },
  adm_scaler_positive: warned("adm_scaler_positive", 1.5),
  adm_scaler_negative: warned("adm_scaler_negative", 0.8),
  adm_scaler_end: warned("adm_scaler_end", 0.3),
  overwrite_step: {
    body: given({ overwrite_step: 11 }),
    graph: (graph) => expect(sampler(graph)).toMatchObject({ steps: 11 }),
  },
  overwrite_switch: {
    body: given({ refiner_model_name: "sd_xl_refiner_1.0.safetensors", overwrite_switch: 7 }),
    graph: (graph) => expect(graph["23"]?.inputs["start_at_step"]).toBe(7),
  },
  overwrite_width: {
    body: given({ overwrite_width: 1024, overwrite_height: 768 }),
    graph: (graph) =>
      expect(inputsOf(graph, "EmptyLatentImage")).toMatchObject({ width: 1024, height: 768 }),
  },
  overwrite_vary_strength: {
    body: given({
      uov_method: "Vary (Subtle)",
      uov_input_image: photo,
      overwrite_vary_strength: 0.3,
      aspect_ratios_selection: "512*512",
    }),
    graph: (graph) => expect(sampler(graph)).toMatchObject({ denoise: 0.3 }),
    warning: /^aspect_ratios_selection has no effect: the size follows from the picture/,
  },
  overwrite_upscale_strength: {
    body: given({
      uov_method: "Upscale (2x)",
      uov_input_image: photo,
      overwrite_upscale_strength: 0.2,
    }),
    graph: (graph) => expect(inputsOf(graph, "KSampler")).toMatchObject({ denoise: 0.2 }),
  },
  refiner_swap_method: warned("refiner_swap_method", "vae"),
  freeu_enabled: {
    body: given({ freeu_enabled: true, freeu_b1: 1.1 }),
    graph: (graph) =>
      expect(inputsOf(graph, "FreeU_V2")).toMatchObject({ b1: 1.1, b2: 1.02, s1: 0.99, s2: 0.95 }),
  },
  black_out_nsfw: warned("black_out_nsfw", true),
  preset: {
    body: () => ({ prompt: "a boat", preset: "lightning" }),
    graph: (graph) => expect(Number(sampler(graph)?.["steps"])).toBeLessThanOrEqual(8),
  },
  uov_method: {
    body: given({ uov_method: "Upscale (Fast 2x)", uov_input_image: photo }),
    graph: (graph) => {
      inputsOf(graph, "ImageUpscaleWithModel");
      expect(Object.values(graph).some((node) => node.class_type === "KSampler")).toBe(false);
    },
  },
  upscale_multiple: {
    body: given({ uov_method: "Upscale (Custom)", upscale_multiple: 1.25, uov_input_image: photo }),
    graph: (graph) => inputsOf(graph, "ImageUpscaleWithModel"),
  },
  inpaint_mask_image_upload: {
    body: given({
      inpaint_input_image: photo,
      inpaint_mask_image_upload: mask,
      inpaint_additional_prompt: "a red door",
      inpaint_strength: 0.7,
    }),
    graph: (graph) => {
      expect(inputsOf(graph, "InpaintModelConditioning")["noise_mask"]).toBe(true);
      expect(inputsOf(graph, "KSampler")["denoise"]).toBe(0.7);
      expect(graph["6"]?.inputs["text"]).toMatch(/^a red door\na boat$/);
    },
  },
  outpaint_selections: {
    body: given({ inpaint_input_image: photo, outpaint_selections: ["Left", "Top"] }),
    graph: (graph) => inputsOf(graph, "LoadImageMask"),
  },
  inpaint_engine: warned("inpaint_engine", "v2.6"),
  inpaint_respective_field: warned("inpaint_respective_field", 0.5),
  inpaint_disable_initial_latent: warned("inpaint_disable_initial_latent", true),
  debugging_inpaint_preprocessor: warned("debugging_inpaint_preprocessor", true),
  controlnet_image: {
    body: guided("ImagePrompt"),
    graph: (graph) => {
      expect(inputsOf(graph, "IPAdapterAdvanced")).toMatchObject({ weight: 0.7, end_at: 0.4 });
      const file = inputsOf(graph, "IPAdapterModelLoader")["ipadapter_file"];
      expect(file).toBe("ip-adapter-plus_sdxl_vit-h.safetensors");
    },
  },
  canny_low_threshold: {
    body: guided("PyraCanny", { canny_low_threshold: 51 }),
    graph: (graph) => {
      expect(inputsOf(graph, "Canny")).toMatchObject({ low_threshold: 0.2, high_threshold: 0.5 });
      const net = inputsOf(graph, "ControlNetApplyAdvanced");
      expect(net).toMatchObject({ strength: 0.7, end_percent: 0.4 });
    },
  },
  skipping_cn_preprocessor: {
    body: guided("CPDS", { skipping_cn_preprocessor: true }),
    graph: (graph) => {
      expect(inputsOf(graph, "ControlNetLoader")["control_net_name"]).toBe(
        "fooocus_xl_cpds_128.safetensors",
      );
      expect(inputsOf(graph, "ControlNetApplyAdvanced")["image"]).toEqual(["111", 0]);
    },
  },
  mixing_image_prompt_and_vary_upscale: {
    body: guided("FaceSwap", {
      uov_method: "Vary (Strong)",
      uov_input_image: photo,
      mixing_image_prompt_and_vary_upscale: true,
    }),
    graph: (graph) => {
      const file = inputsOf(graph, "IPAdapterModelLoader")["ipadapter_file"];
      expect(file).toBe("ip-adapter-plus-face_sdxl_vit-h.safetensors");
      expect(inputsOf(graph, "KSampler")["denoise"]).toBe(0.85);
    },
  },
  mixing_image_prompt_and_inpaint: {
    body: guided("PyraCanny", {
      inpaint_input_image: photo,
      inpaint_mask_image_upload: mask,
      mixing_image_prompt_and_inpaint: true,
    }),
    graph: (graph) => {
      inputsOf(graph, "ControlNetApplyAdvanced");
      inputsOf(graph, "InpaintModelConditioning");
    },
  },
  uov_input_image: {
    body: guided("ImagePrompt", { uov_method: "Vary (Subtle)", uov_input_image: photo }),
    warning: /^uov_input_image has no effect: .*mixing_image_prompt_and_vary_upscale/,
  },
  debugging_cn_preprocessor: warned("debugging_cn_preprocessor", true),
  controlnet_softness: warned("controlnet_softness", 0.25),
  enhance_input_image: {
    body: given({ enhance_input_image: photo, enhance_uov_method: "Upscale (1.5x)" }),
    graph: (graph) => inputsOf(graph, "ImageUpscaleWithModel"),
  },
  enhance_checkbox: warned("enhance_checkbox", true),
  enhance_ctrls: warned("enhance_ctrls", [{ enhance_enabled: true }]),
  generate_image_grid: warned("generate_image_grid", true),
};

/** The graph that a call comes to, with the prompt of its first picture; nothing is painted. */
async function planned(here: Here, prompts: PlanSources, info: ObjectInfo, body: object) {
  const { values, warnings } = readCall(body);
  const pictures = Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      fields[name as FieldName].type === "image" ? [[name, upload(String(value))]] : [],
    ),
  );
  const entries = Array.isArray(values.controlnet_image) ? values.controlnet_image : [];
  const guides = entries.map((entry) => ({
    picture: upload(entry["cn_img"]),
    type: entry["cn_type"],
    weight: entry["cn_weight"],
    stop: entry["cn_stop"],
  }));
  const mapped = mapCall(values, pictures, guides, here, false);
  const {
    recipe,
    pictures: made,
    params,
    notes,
  } = await plan(prompts, mapped.tool, mapped.request, info);
  const [first] = made;
  const texts = {
    prompt: first?.prompt ?? params["prompt"],
    negative_prompt: first?.negativePrompt ?? params["negative_prompt"],
  };
  return {
    graph: graphOf(recipe, Object.fromEntries(Object.entries(texts)) as Record<string, string>),
    warnings: [...warnings, ...mapped.warnings, ...notes].join("\n"),
  };
}

function upload(id: string): Upload {
  return { id, sha256: id, width: 64, height: 48, mimeType: "image/png", bytes: 100 };
}

test("every field is followed, or told to have no effect", async () => {
  const { world, emulator } = await startFooocus();
  const { studio, catalog } = world.deps;
  const info = (await (await fetch(`${emulator.url}/object_info`)).json()) as ObjectInfo;
  const styles = new Styles(studio.styles());
  const { states, unlisted = [] } = await studio.workflows();
  const here = {
    styles: styles.names(),
    workflows: [...states, ...unlisted],
    installed: await studio.installed(),
  };
  const failures: string[] = [];
  for (const [field, row] of Object.entries(rows)) {
    try {
      const made = await planned(here, { catalog, prompts: { styles } }, info, row.body());
      if (row.warning) expect(made.warnings).toMatch(new RegExp(row.warning.source, "m"));
      else expect(made.warnings).not.toContain(`${field} has no effect`);
      row.graph?.(made.graph as Graph);
    } catch (error) {
      failures.push(`${field}: ${messageOf(error)}`);
    }
  }

  expect(failures.join("\n\n")).toBe("");
});

test("the guide for who comes from FooocusAPI names every field", async () => {
  const guide = await readFile(new URL("../../docs/migrating.md", import.meta.url), "utf8");
  const named = [...guide.matchAll(/`([a-z0-9_*]+)(?::[^`]*)?`/g)].map(([, name = ""]) => name);
  const covers = (name: string, field: string) =>
    name.endsWith("*") ? field.startsWith(name.slice(0, -1)) : name === field;

  const missing = Object.keys(fields).filter((field) => !named.some((name) => covers(name, field)));

  expect(missing).toEqual([]);
});
