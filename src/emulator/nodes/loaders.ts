import type { NodeBehaviour } from "../node.ts";
import { handle, type Inputs, type Model } from "../values.ts";

function model(inputs: Inputs, input: string): Model {
  return { kind: "model", files: [inputs.text(input)] };
}

function modelLoader(input: string): NodeBehaviour {
  return { loads: true, run: (inputs) => ({ outputs: [model(inputs, input)] }) };
}

function loader(type: string, input: string): NodeBehaviour {
  return { loads: true, run: (inputs) => ({ outputs: [handle(type, inputs.text(input))] }) };
}

/** A strength of 0 leaves the model as it is. */
function withLora(inputs: Inputs): Model {
  const base = inputs.take("model", "model");
  const strength = inputs.number("strength_model", 1);
  if (strength === 0) return base;
  return { kind: "model", files: [...base.files, `${inputs.text("lora_name")}:${strength}`] };
}

export const loaderNodes: Record<string, NodeBehaviour> = {
  CheckpointLoaderSimple: {
    loads: true,
    run: (inputs) => {
      const file = inputs.text("ckpt_name");
      return { outputs: [model(inputs, "ckpt_name"), handle("CLIP", file), handle("VAE", file)] };
    },
  },
  UNETLoader: modelLoader("unet_name"),
  UnetLoaderGGUF: modelLoader("unet_name"),
  UnetLoaderGGUFAdvanced: modelLoader("unet_name"),
  CLIPLoader: loader("CLIP", "clip_name"),
  CLIPLoaderGGUF: loader("CLIP", "clip_name"),
  DualCLIPLoader: loader("CLIP", "clip_name1"),
  DualCLIPLoaderGGUF: loader("CLIP", "clip_name1"),
  TripleCLIPLoader: loader("CLIP", "clip_name1"),
  VAELoader: loader("VAE", "vae_name"),
  LoraLoader: {
    loads: true,
    run: (inputs) => ({ outputs: [withLora(inputs), inputs.take("handle", "clip")] }),
  },
  LoraLoaderModelOnly: { loads: true, run: (inputs) => ({ outputs: [withLora(inputs)] }) },
  ControlNetLoader: loader("CONTROL_NET", "control_net_name"),
  IPAdapterModelLoader: loader("IPADAPTER", "ipadapter_file"),
  CLIPVisionLoader: loader("CLIP_VISION", "clip_name"),
  StyleModelLoader: loader("STYLE_MODEL", "style_model_name"),
  ModelPatchLoader: loader("MODEL_PATCH", "name"),
  UpscaleModelLoader: loader("UPSCALE_MODEL", "model_name"),
  LoadBackgroundRemovalModel: loader("BACKGROUND_REMOVAL", "bg_removal_name"),
  LoadRembgByBiRefNetModel: loader("BIREFNET", "model"),
  CLIPSetLastLayer: { run: (inputs) => ({ outputs: [inputs.take("handle", "clip")] }) },
  SetUnionControlNetType: {
    run: (inputs) => ({ outputs: [inputs.take("handle", "control_net")] }),
  },
};
