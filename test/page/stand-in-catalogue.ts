import { readFileSync } from "node:fs";
import path from "node:path";

const repository = path.resolve(import.meta.dirname, "../..");

const number = (name: string, standard: number, minimum: number, maximum: number) => ({
  name,
  type: name === "guidance" || name === "strength" ? "number" : "integer",
  default: standard,
  minimum,
  maximum,
  choices: null,
});
const text = (name: string) => ({ name, type: "string", default: "", choices: null });
const image = (name: string) => ({ name, type: "image", choices: null });

const painting = [
  text("prompt"),
  number("width", 1024, 64, 4096),
  number("height", 1024, 64, 4096),
  number("seed", 0, 0, Number.MAX_SAFE_INTEGER),
  number("steps", 20, 1, 60),
  number("guidance", 3.5, 0, 30),
];
const changing = [
  text("prompt"),
  image("image"),
  number("strength", 0.75, 0, 1),
  number("seed", 0, 0, Number.MAX_SAFE_INTEGER),
  number("steps", 20, 1, 60),
];
const added = ["model", "loras", "quality", "styles", "count", "aspect_ratio"];

const workflow = (
  name: string,
  tool: string,
  title: string,
  parameters: object[],
  takes: string[],
  lacks: object | null = null,
) => ({
  name,
  tool,
  title,
  description: `${title}, as shipped.`,
  ready: lacks === null,
  parameters,
  takes,
  lacks,
  seconds: null,
});

export const workflows = [
  workflow("flux_dev", "generate_image", "FLUX.1 dev", painting, added),
  workflow(
    "checkpoint",
    "generate_image",
    "SDXL base 1.0",
    [
      ...painting,
      text("negative_prompt"),
      { ...text("sampler"), default: "euler", choices: ["euler", "dpmpp_2m"] },
      { ...text("scheduler"), default: "normal", choices: ["normal", "karras"] },
    ],
    added,
  ),
  workflow("qwen_image", "generate_image", "Qwen-Image", painting, added, {
    text: "qwen_image lacks 1 model file.",
    files: [
      {
        file: "qwen_image_fp8_e4m3fn.safetensors",
        folder: "diffusion_models",
        source: "huggingface Comfy-Org/Qwen-Image_ComfyUI",
        url: "https://huggingface.co/Comfy-Org/Qwen-Image_ComfyUI",
      },
    ],
    nodes: [],
  }),
  workflow("img2img_flux_kontext", "img2img", "FLUX.1 Kontext", changing, added),
  workflow(
    "inpaint_flux_fill",
    "inpaint",
    "FLUX.1 Fill",
    [...changing, image("mask")],
    [...added, "grow", "feather"],
  ),
  workflow("outpaint_flux_fill", "outpaint", "FLUX.1 Fill", changing, [
    ...added,
    "left",
    "top",
    "right",
    "bottom",
    "feather",
  ]),
  workflow("upscale_resample", "upscale", "Resample", [image("image")], ["factor"]),
  workflow("birefnet", "remove_background", "BiRefNet", [image("image")], ["background"], {
    text: "birefnet needs a node pack.",
    files: [],
    nodes: [
      {
        class: "RMBG",
        pack: "ComfyUI-RMBG",
        source: "github 1038lab/ComfyUI-RMBG",
        url: "https://github.com/1038lab/ComfyUI-RMBG",
      },
    ],
  }),
  workflow(
    "birefnet_ll",
    "remove_background",
    "BiRefNet (LayerStyle)",
    [image("image")],
    ["background"],
  ),
];

const titles: Record<string, string> = {
  generate_image: "Generate an image",
  img2img: "Change an image",
  inpaint: "Repaint a part",
  outpaint: "Paint beyond the edges",
  upscale: "Enlarge",
  remove_background: "Remove the background",
};

export const tools = Object.entries(titles).map(([name, title]) => {
  const own = workflows.filter(({ tool }) => tool === name);
  const names = own.flatMap(({ parameters, takes }) => [
    ...parameters.map((parameter) => (parameter as { name: string }).name),
    ...takes,
  ]);
  const properties = [...new Set([...names, "workflow", "output_format"])].map((key) => [key, {}]);
  const required = {
    generate_image: ["prompt"],
    img2img: ["prompt", "image"],
    inpaint: ["prompt", "image"],
    outpaint: ["image"],
  }[name] ?? ["image"];
  return {
    name,
    title,
    description: title,
    ready: own.some(({ ready }) => ready),
    input_schema: {
      type: "object",
      properties: {
        ...Object.fromEntries(properties),
        ...(name === "img2img" && { vary: { enum: ["subtle", "strong"] } }),
      },
      required,
    },
    workflows: own.map((one) => one.name),
  };
});

export const styles = ["craft", "drawing", "genre", "graphic", "painting", "photo"].flatMap(
  (group) => {
    const file = path.join(repository, "styles", `${group}.json`);
    const entries = JSON.parse(readFileSync(file, "utf8")) as { name: string; title: string }[];
    return entries.map(({ name, title }) => ({ name, title, group }));
  },
);

export const loras = ["ink-wash.safetensors", "paper-cut-v2.safetensors", "soft-light.safetensors"];

export const models = [
  { name: "sd_xl_base_1.0.safetensors", folder: "checkpoints", workflows: ["checkpoint"] },
  { name: "dreamshaper_8.safetensors", folder: "checkpoints", workflows: ["checkpoint"] },
];

export const backends = [
  {
    name: "attic",
    state: "ready",
    gpu: "NVIDIA RTX 4090",
    vram_total: 25_757_220_864,
    vram_free: 6_190_000_000,
    running: 0,
    waiting: 0,
    version: "0.3.64",
    problem: null,
  },
  {
    name: "basement",
    state: "ready",
    gpu: "NVIDIA RTX 3060",
    vram_total: 12_884_901_888,
    vram_free: 3_100_000_000,
    running: 0,
    waiting: 0,
    version: "0.3.64",
    problem: null,
  },
];
