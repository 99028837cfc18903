import type { NewTask } from "../client.ts";
import type { PictureRecord, Task, Tool, Workflow } from "../records.ts";

/** Values that differ from what the server would choose, by parameter. */
export type Settings = Readonly<Record<string, unknown>>;

export interface Asking {
  /** What the ledge's button says. */
  verb: string;
  /** What the prompt box asks. */
  question: string;
}

const askings: Readonly<Record<string, Asking>> = {
  generate_image: { verb: "Generate", question: "What do you want to see?" },
  img2img: { verb: "Change", question: "What should change?" },
  inpaint: { verb: "Repaint", question: "What should be there instead?" },
  outpaint: { verb: "Paint beyond", question: "What should be around it?" },
  upscale: { verb: "Enlarge", question: "What does it show?" },
  remove_background: { verb: "Cut out", question: "Nothing to say here" },
};

export function askingOf(tool: string, tools: readonly Tool[]): Asking {
  const known = askings[tool];
  if (known) return known;
  const title = tools.find(({ name }) => name === tool)?.title ?? tool.replaceAll("_", " ");
  return { verb: title, question: "What do you want to see?" };
}

/** What is in front of the person decides: nothing, a picture, or a picture with a mask. */
export function toolFor(chosen: string | undefined, picture: boolean, masking: boolean): string {
  if (masking) return "inpaint";
  if (chosen !== undefined) return chosen;
  return picture ? "img2img" : "generate_image";
}

/** The workflow asked for, else the first that can run, else the first there is. */
export function workflowFor(
  tool: string,
  settings: Settings,
  workflows: readonly Workflow[],
): Workflow | undefined {
  const own = workflows.filter((workflow) => workflow.tool === tool);
  const asked = own.find(({ name }) => name === settings["workflow"]);
  return asked ?? own.find(({ ready }) => ready === true) ?? own[0];
}

/** Parameters of the server itself, which every workflow of the tool has. */
const always = new Set(["workflow", "output_format"]);

/** What is shown before the server has said what the tool takes. */
const early = new Set([
  ...always,
  "prompt",
  "image",
  "mask",
  "count",
  "seed",
  "styles",
  "aspect_ratio",
]);

/** Whether a value for this parameter would change anything. */
export function honours(
  name: string,
  tool: Tool | undefined,
  workflow: Workflow | undefined,
): boolean {
  if (!tool) return early.has(name);
  if (always.has(name)) return true;
  if (!Object.hasOwn(tool.input_schema.properties ?? {}, name)) return false;
  if (!workflow) return true;
  if (workflow.parameters.some((parameter) => parameter.name === name)) return true;
  return workflow.takes === undefined || workflow.takes.includes(name);
}

/** What says how far beyond its edges a picture is to go. */
const beyond = ["aspect_ratio", "left", "top", "right", "bottom"];

/** What is still missing before the button can do anything, said to the person. */
export function lackOf(
  name: string,
  tool: Tool | undefined,
  has: { prompt: boolean; image: boolean; mask: boolean; settings: Settings },
): string | undefined {
  const required = tool?.input_schema.required ?? ["prompt"];
  if (name === "inpaint" && !has.mask) return "Paint over what should change first.";
  if (required.includes("prompt") && !has.prompt) return "Write first what you want to see.";
  if (required.includes("image") && !has.image) return "Add a picture first.";
  if (name === "outpaint" && !beyond.some((side) => isSet(has.settings[side]))) {
    return "Choose a shape, or how much to add at a side.";
  }
  return undefined;
}

export interface Ask {
  tool: string;
  prompt: string;
  settings: Settings;
  image?: string | undefined;
  mask?: string | undefined;
  /** Whether a parameter may be sent with this tool. */
  takes: (name: string) => boolean;
}

/** The call that the ledge stands for. */
export function taskFor({ tool, prompt, settings, image, mask, takes }: Ask): NewTask {
  const given: Record<string, unknown> = {};
  const words = prompt.trim();
  if (words !== "" && takes("prompt")) given["prompt"] = words;
  if (image !== undefined && takes("image")) given["image"] = image;
  if (mask !== undefined && takes("mask")) given["mask"] = mask;
  for (const [name, value] of Object.entries(settings)) {
    if (isSet(value) && takes(name)) given[name] = value;
  }
  return { tool, arguments: given };
}

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0);
}

/** The same settings, and another seed. */
export function again(task: Task): NewTask {
  const { seed: _, ...rest } = task.arguments;
  return { tool: task.tool, arguments: rest };
}

/** This one picture, as a call that makes exactly it. */
export function callFor(task: Task, picture: PictureRecord): NewTask {
  const { seed: _, count: __, ...rest } = task.arguments;
  const seed = typeof picture.seed === "number" ? { seed: picture.seed } : {};
  return { tool: task.tool, arguments: { ...rest, ...seed } };
}

/** A picture near to this one. */
export function variation(task: Task, picture: PictureRecord): NewTask {
  const prompt = picture.prompt ?? task.prompt;
  return {
    tool: "img2img",
    arguments: { image: picture.id, vary: "subtle", ...(prompt ? { prompt } : {}) },
  };
}

/** What a finished task says about settings, without its words and pictures. */
export function settingsOf(task: Task, picture: PictureRecord): Record<string, unknown> {
  const { prompt: _, image: __, mask: ___, ...rest } = task.arguments;
  const seed = typeof picture.seed === "number" ? { seed: picture.seed } : {};
  return { ...rest, ...seed };
}

/** Width divided by height of the pictures that these settings lead to. */
export function ratioOf(settings: Settings): number {
  const [width, height] = [Number(settings["width"]), Number(settings["height"])];
  if (width > 0 && height > 0) return width / height;
  const text = String(settings["aspect_ratio"] ?? "1:1");
  const [, a, b] = /^(\d+(?:\.\d+)?)[:x×/](\d+(?:\.\d+)?)$/.exec(text) ?? [];
  return Number(a) > 0 && Number(b) > 0 ? Number(a) / Number(b) : 1;
}
