import type { TaskProgress } from "./progress.ts";

/** Progress in words, short enough for a status line. */
export function wordProgress({ status, done, count }: TaskProgress): string {
  const image = count > 1 ? `, image ${Math.min(done + 1, count)}/${count}` : "";
  switch (status.phase) {
    case "waiting":
      return `Waiting for ComfyUI since ${status.since.toISOString().slice(11, 19)} UTC${image}`;
    case "queued": {
      if (status.stalled) {
        return "Queued, but ComfyUI runs nothing although it accepts prompts: its worker looks dead, restart it";
      }
      const ahead = status.ahead === undefined ? "" : `, ${status.ahead} ahead`;
      return `Queued${ahead}${image}`;
    }
    case "running": {
      const { node, step, steps } = status.progress;
      const ticks = steps === undefined ? "" : ` ${step}/${steps}`;
      return `${activity(node)}${ticks}${image}`;
    }
  }
}

function activity(node: string | undefined): string {
  const [, word] = activities.find(([pattern]) => node !== undefined && pattern.test(node)) ?? [];
  return word ?? (node === undefined ? "Starting" : `Running ${node}`);
}

const activities: [RegExp, string][] = [
  [/Sampler(?!Select)/, "Sampling"],
  [/Load|CLIP.*Loader/, "Loading models"],
  [/TextEncode/, "Reading the prompt"],
  [/VAEEncode/, "Reading the image"],
  [/VAEDecode/, "Decoding"],
  [/UpscaleWithModel/, "Upscaling"],
  [/RemoveBackground|Rembg|BiRefNet/, "Finding the subject"],
  [/^Save|^Preview/, "Saving"],
];
