import type { ImageRecord, Run, Task } from "../../tasks/task.ts";
import { version } from "../../version.ts";

/** The file of the model itself: a run names those of text encoders and VAE too. */
export function modelFileOf(run: Run | undefined): string {
  const choices = Object.entries(run?.at?.choices ?? {});
  const own = choices.find(([slot]) => /\.(ckpt|unet)_name$/.test(slot));
  return (own ?? choices[0])?.[1] ?? "";
}

export interface Told {
  task: Task;
  image: ImageRecord;
  prompt: string;
  negative: string;
  /** The file it was made by; "" where that is not on record. */
  model: string;
}

/** How a picture was made, in the lines that AUTOMATIC1111's web UI writes and many programs read. */
export function infotext({ task, image, prompt, negative, model }: Told): string {
  const { steps, sampler, scheduler, guidance, strength } = task.params;
  const settings = [
    ["Steps", steps],
    ["Sampler", sampler],
    ["Schedule type", scheduler],
    ["CFG scale", guidance],
    ["Seed", image.seed],
    ["Size", `${image.width}x${image.height}`],
    ["Model", model.replace(/\.\w+$/, "")],
    ["Denoising strength", strength],
    ["Version", `comfy-easel ${version}`],
  ].filter(([, value]) => value !== undefined && value !== "");
  const line = settings.map(([name, value]) => `${name}: ${value}`).join(", ");
  return [prompt, `Negative prompt: ${negative}`, line].join("\n");
}

/** What infotext says: the prompts, then whatever its last line names. */
export function readInfotext(text: string): Record<string, string> {
  const lines = text.trim().split("\n");
  const settings = [
    ...(lines.at(-1) ?? "").matchAll(/([A-Z][\w /+-]*):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)/g),
  ];
  const isSettings = settings.length >= 3;
  const words = (isSettings ? lines.slice(0, -1) : lines).join("\n");
  const [prompt = "", negative = ""] = words.split(/^Negative prompt: ?/m);
  const named = isSettings ? settings.map(([, name = "", value = ""]) => [name, value.trim()]) : [];
  return {
    Prompt: prompt.trim(),
    "Negative prompt": negative.trim(),
    ...Object.fromEntries(named),
  };
}
