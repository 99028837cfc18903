import { atLeast } from "../as-comfyui/version.ts";
import { byCodeUnits } from "./disk.ts";

/** Folder under `models/` -> file names; the defaults are those the reference graphs name. */
export const defaultModels: Record<string, string[]> = {
  checkpoints: [
    "flux1-dev-fp8.safetensors",
    "flux1-schnell-fp8.safetensors",
    "sd_xl_base_1.0.safetensors",
    "sdxl_lightning_4step.safetensors",
    "sdxl_lightning_8step.safetensors",
    "v1-5-pruned-emaonly-fp16.safetensors",
  ],
  unet_gguf: ["flux1-dev-Q8_0.gguf"],
  diffusion_models: [
    "FireRed-Image-Edit-1.1-transformer.safetensors",
    "anima-base-v1.0.safetensors",
    "flux-2-klein-4b-fp8.safetensors",
    "flux-2-klein-9b-fp8.safetensors",
    "flux1-dev-kontext_fp8_scaled.safetensors",
    "flux1-dev.safetensors",
    "flux1-fill-dev.safetensors",
    "flux1-schnell.safetensors",
    "flux2_dev_fp8mixed.safetensors",
    "krea2_turbo_fp8_scaled.safetensors",
    "qwen_image_edit_2511_bf16.safetensors",
    "qwen_image_fp8_e4m3fn.safetensors",
    "z_image.safetensors",
    "z_image_turbo_bf16.safetensors",
  ],
  text_encoders: [
    "clip_l.safetensors",
    "mistral_3_small_flux2_fp8.safetensors",
    "qwen3vl_4b_fp8_scaled.safetensors",
    "qwen_2.5_vl_7b_fp8_scaled.safetensors",
    "qwen_3_06b_base.safetensors",
    "qwen_3_4b.safetensors",
    "qwen_3_8b_fp8mixed.safetensors",
    "t5xxl_fp16.safetensors",
    "t5xxl_fp8_e4m3fn_scaled.safetensors",
  ],
  clip_gguf: ["t5-v1_1-xxl-encoder-Q8_0.gguf"],
  vae: ["ae.safetensors", "flux2-vae.safetensors", "qwen_image_vae.safetensors"],
  loras: ["sdxl_lightning_4step_lora.safetensors", "sdxl_lightning_8step_lora.safetensors"],
  upscale_models: ["4x-ESRGAN.pth", "RealESRGAN_x4plus.safetensors"],
  background_removal: ["birefnet.safetensors"],
  birefnet: ["General.safetensors"],
  controlnet: ["instantx_flux_canny.safetensors"],
  clip_vision: ["sigclip_vision_patch14_384.safetensors"],
  style_models: ["flux1-redux-dev.safetensors"],
  model_patches: [],
  ipadapter: [],
};

export type Metadata = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** `folder/file` -> the `__metadata__` of its header, as trainers write it. */
export const defaultMetadata: Metadata = {
  "checkpoints/sd_xl_base_1.0.safetensors": {
    "modelspec.architecture": "stable-diffusion-xl-v1-base",
  },
  "loras/sdxl_lightning_4step_lora.safetensors": { ss_base_model_version: "sdxl_base_v1-0" },
  "loras/sdxl_lightning_8step_lora.safetensors": { ss_base_model_version: "sdxl_base_v1-0" },
};

/** The keys of `GET /models`, in ComfyUI's order with those of the packs at the end. */
export function modelFolders(version: string, models: Record<string, string[]>): string[] {
  const others = Object.keys(models).filter((folder) => !folderKeys.includes(folder));
  const known = folderKeys.filter((folder) => atLeast(version, folderSince[folder] ?? "0.0.0"));
  return [...known, ...others];
}

/** First version with the folder. */
const folderSince: Record<string, string> = {
  latent_upscale_models: "0.3.71",
  datasets: "0.30.0",
  background_removal: "0.21.0",
  frame_interpolation: "0.20.0",
  geometry_estimation: "0.22.0",
  optical_flow: "0.21.0",
  detection: "0.23.0",
};

const folderKeys = [
  ...["checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models"],
  ...["clip_vision", "style_models", "embeddings", "diffusers", "vae_approx", "controlnet"],
  ...["gligen", "upscale_models", "latent_upscale_models", "custom_nodes", "datasets"],
  ...["hypernetworks", "photomaker", "classifiers", "model_patches", "audio_encoders"],
  ...["background_removal", "frame_interpolation", "geometry_estimation", "optical_flow"],
  ...["detection", "unet_gguf", "clip_gguf", "birefnet", "ipadapter"],
];

interface ModelInput {
  folders: string[];
  /** Choices that are there without a file. */
  builtIn?: string[];
}

const encoders: ModelInput = { folders: ["text_encoders"] };
const encodersWithGguf: ModelInput = { folders: ["text_encoders", "clip_gguf"] };

/** `Class.input` -> where its choices come from. */
export const modelInputs: Record<string, ModelInput> = {
  "CheckpointLoaderSimple.ckpt_name": { folders: ["checkpoints"] },
  "UNETLoader.unet_name": { folders: ["diffusion_models"] },
  "UnetLoaderGGUF.unet_name": { folders: ["unet_gguf"] },
  "UnetLoaderGGUFAdvanced.unet_name": { folders: ["unet_gguf"] },
  "CLIPLoader.clip_name": encoders,
  "DualCLIPLoader.clip_name1": encoders,
  "DualCLIPLoader.clip_name2": encoders,
  "TripleCLIPLoader.clip_name1": encoders,
  "TripleCLIPLoader.clip_name2": encoders,
  "TripleCLIPLoader.clip_name3": encoders,
  "CLIPLoaderGGUF.clip_name": encodersWithGguf,
  "DualCLIPLoaderGGUF.clip_name1": encodersWithGguf,
  "DualCLIPLoaderGGUF.clip_name2": encodersWithGguf,
  "VAELoader.vae_name": { folders: ["vae"], builtIn: ["pixel_space"] },
  "LoraLoader.lora_name": { folders: ["loras"] },
  "LoraLoaderModelOnly.lora_name": { folders: ["loras"] },
  "UpscaleModelLoader.model_name": { folders: ["upscale_models"] },
  "LoadBackgroundRemovalModel.bg_removal_name": { folders: ["background_removal"] },
  "LoadRembgByBiRefNetModel.model": { folders: ["birefnet"] },
  "IPAdapterModelLoader.ipadapter_file": { folders: ["ipadapter"] },
  "ControlNetLoader.control_net_name": { folders: ["controlnet"] },
  "CLIPVisionLoader.clip_name": { folders: ["clip_vision"] },
  "StyleModelLoader.style_model_name": { folders: ["style_models"] },
  "ModelPatchLoader.name": { folders: ["model_patches"] },
};

export function filesFor(
  { folders, builtIn = [] }: ModelInput,
  models: Record<string, string[]>,
): string[] {
  return [...folders.flatMap((folder) => models[folder] ?? []).sort(byCodeUnits), ...builtIn];
}
