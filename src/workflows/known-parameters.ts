/** `image`: the slot holds the name of a file uploaded to ComfyUI's input folder. */
export const parameterTypes = ["string", "integer", "number", "boolean", "image"] as const;
export type ParameterType = (typeof parameterTypes)[number];

/** What a tool can take: `loras` is a list that the server puts into the graph, not into a slot. */
export type ToolParameterType = ParameterType | "loras";

/** The words of `quality`, slowest first; `lightning` and `hyper_sd` are distilled models. */
export const efforts = ["quality", "speed", "extreme_speed", "lightning", "hyper_sd"] as const;
export type Effort = (typeof efforts)[number];

/** The same for models, which cannot know whether "lightning" is faster than "extreme_speed". */
export const effortWords: Readonly<Record<Effort, string>> = {
  quality: "high",
  speed: "medium",
  extreme_speed: "low",
  lightning: "draft",
  hyper_sd: "hyper_sd",
};

interface KnownParameter {
  type: ToolParameterType;
  /** Read by a model in every tool list: unit, range and default in at most 110 characters. */
  description: string;
  minimum?: number;
  maximum?: number;
}

export const sideLimits = { minimum: 64, maximum: 4096 } as const;

/** Names that mean the same in every workflow, in the order in which tools show them. */
export const knownParameters: Readonly<Record<string, KnownParameter>> = {
  prompt: { type: "string", description: "What the picture should show, in plain words." },
  image: {
    type: "image",
    description:
      "Image: file path, http(s) URL, data URI, comfy:// URI, or id of an image or task.",
  },
  mask: {
    type: "image",
    description: "Mask image, given like image: white is repainted, black is kept.",
  },
  strength: {
    type: "number",
    description: "How much to change the image, 0-1: 0.3 a little, 1 everything.",
    minimum: 0,
    maximum: 1,
  },
  negative_prompt: {
    type: "string",
    description: "What to keep out; FLUX and other distilled models ignore it.",
  },
  width: {
    type: "integer",
    description: "Exact width in pixels; default is the model's own size, usually 1024.",
    ...sideLimits,
  },
  height: {
    type: "integer",
    description: "Exact height in pixels; default as with width.",
    ...sideLimits,
  },
  seed: {
    type: "integer",
    description: "The same seed makes the same picture again; default random.",
    minimum: 0,
    // Larger integers do not survive JSON in JavaScript.
    maximum: Number.MAX_SAFE_INTEGER,
  },
  steps: {
    type: "integer",
    description: "Sampling steps; default the workflow's own, 4-25.",
    minimum: 1,
    maximum: 150,
  },
  guidance: {
    type: "number",
    description: "How closely to follow the prompt: about 3.5 for FLUX, 7 for Stable Diffusion.",
    minimum: 0,
    maximum: 30,
  },
  sampler: {
    type: "string",
    description: "ComfyUI sampler, e.g. euler; Stable Diffusion only.",
  },
  scheduler: {
    type: "string",
    description: "ComfyUI scheduler, e.g. karras; Stable Diffusion only.",
  },
  model: {
    type: "string",
    description: "Model file or family, e.g. sdxl; list_workflows shows them.",
  },
  loras: {
    type: "loras",
    description: 'LoRA files to add, "name" or "name:weight" with a weight of about 0.5-1.',
  },
  quality: {
    type: "string",
    description: "Time to spend on detail; sets steps.",
  },
};

/** Tools the server has itself; a binding cannot use their names. */
export const reservedTools: readonly string[] = [
  "task_status",
  "list_tasks",
  "delete_tasks",
  "cancel_task",
  "get_image",
  "list_workflows",
];

export function knownParameter(name: string): KnownParameter | undefined {
  return Object.hasOwn(knownParameters, name) ? knownParameters[name] : undefined;
}
