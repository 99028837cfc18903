import type { Option } from "../../options.ts";
import { efforts } from "../../workflows/known-parameters.ts";
import { maxCount, outputFormats } from "../../workflows/request.ts";

/** An option of `generate`: the tool's parameter it stands for, and how its text is read. */
export interface GenerateOption extends Option {
  parameter: string;
  /** @default "text" */
  kind?: "number" | "list" | "switch";
  /** The only tools that take it; the others would pass over it in silence. */
  tools?: readonly string[];
}

export const generateOptions: readonly GenerateOption[] = [
  {
    flag: "out",
    parameter: "save_to",
    value: "FILE",
    help: "where to put the picture: a file (.png, .jpg, .webp), or a folder with a slash at its end",
  },
  {
    flag: "overwrite",
    parameter: "overwrite",
    kind: "switch",
    help: "let --out replace a file",
  },
  {
    flag: "tool",
    parameter: "tool",
    value: "NAME",
    help: "another tool: img2img, inpaint, outpaint, upscale, remove_background or one of your own (default generate_image; with --image img2img, with --mask inpaint)",
  },
  {
    flag: "image",
    parameter: "image",
    value: "FILE",
    help: "the picture to change: a file, a URL, or the id of an earlier picture",
  },
  {
    flag: "mask",
    parameter: "mask",
    value: "FILE",
    help: "a picture whose white part is repainted, the rest stays as it is",
  },
  {
    flag: "strength",
    parameter: "strength",
    kind: "number",
    value: "X",
    help: "how much to change the picture: 0 keeps it, 1 ignores it",
  },
  {
    flag: "vary",
    parameter: "vary",
    value: "subtle|strong",
    tools: ["img2img"],
    help: "a variation of the picture, instead of --strength",
  },
  {
    flag: "workflow",
    parameter: "workflow",
    value: "NAME",
    help: "which workflow (default: the first that can run)",
  },
  {
    flag: "model",
    parameter: "model",
    value: "FILE",
    help: "another model file of the ComfyUI; a wrong name lists near ones",
  },
  {
    flag: "lora",
    parameter: "loras",
    kind: "list",
    value: "NAME[:WEIGHT]",
    multiple: true,
    help: "a LoRA file to add, with a weight of about 0.5-1; repeatable",
  },
  {
    flag: "style",
    parameter: "styles",
    kind: "list",
    value: "NAME",
    multiple: true,
    help: "a style such as watercolor or cinematic; repeatable, a wrong name lists near ones",
  },
  {
    flag: "quality",
    parameter: "quality",
    value: "WORD",
    help: `how much time to spend: ${efforts.join(", ")}; sets the steps`,
  },
  {
    flag: "negative-prompt",
    parameter: "negative_prompt",
    value: "TEXT",
    help: "what to keep out, where the model can",
  },
  {
    flag: "width",
    parameter: "width",
    kind: "number",
    value: "N",
    help: "exact width in pixels (default: the model's own size)",
  },
  {
    flag: "height",
    parameter: "height",
    kind: "number",
    value: "N",
    help: "exact height in pixels (default: the model's own size)",
  },
  {
    flag: "aspect-ratio",
    parameter: "aspect_ratio",
    value: "RATIO",
    help: "instead of width and height: 16:9, square, portrait, …",
  },
  {
    flag: "seed",
    parameter: "seed",
    kind: "number",
    value: "N",
    help: "the same seed makes the same picture again (default random)",
  },
  {
    flag: "count",
    parameter: "count",
    kind: "number",
    value: "N",
    help: `how many pictures, each with the next seed, 1-${maxCount} (default 1)`,
  },
  {
    flag: "steps",
    parameter: "steps",
    kind: "number",
    value: "N",
    help: "sampling steps (default: the workflow's own)",
  },
  {
    flag: "guidance",
    parameter: "guidance",
    kind: "number",
    value: "X",
    help: "how closely to follow the prompt: about 3.5 for FLUX, 7 for Stable Diffusion",
  },
  {
    flag: "sampler",
    parameter: "sampler",
    value: "NAME",
    help: "a sampler of ComfyUI such as euler; Stable Diffusion only",
  },
  {
    flag: "scheduler",
    parameter: "scheduler",
    value: "NAME",
    help: "a scheduler of ComfyUI such as karras; Stable Diffusion only",
  },
  ...["left", "top", "right", "bottom"].map(
    (side): GenerateOption => ({
      flag: side,
      parameter: side,
      kind: "number",
      value: "N",
      tools: ["outpaint"],
      help: `pixels that outpaint adds at the ${side}`,
    }),
  ),
  {
    flag: "grow",
    parameter: "grow",
    kind: "number",
    value: "N",
    tools: ["inpaint"],
    help: "pixels by which the mask grows (default 0)",
  },
  {
    flag: "feather",
    parameter: "feather",
    kind: "number",
    value: "N",
    tools: ["inpaint", "outpaint"],
    help: "pixels over which the mask's edge or the seam fades",
  },
  {
    flag: "factor",
    parameter: "factor",
    kind: "number",
    value: "X",
    tools: ["upscale"],
    help: "how many times the width and the height upscale makes, 1.5-4 (default 2)",
  },
  {
    flag: "background",
    parameter: "background",
    value: "COLOUR",
    tools: ["remove_background"],
    help: "a colour or a picture to put behind the subject (default none)",
  },
  {
    flag: "output-format",
    parameter: "output_format",
    value: outputFormats.join("|"),
    help: "the format of the picture that is kept (default png)",
  },
];
