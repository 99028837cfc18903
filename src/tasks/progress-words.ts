import type { Activity } from "./activity.ts";
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
  const known = activityRow(node)?.[2];
  return known ?? (node === undefined ? "Starting" : `Running ${node}`);
}

/** Unset, ComfyUI has not said yet which node it runs. */
export function activityOf(node: string | undefined): Activity {
  return activityRow(node)?.[1] ?? (node === undefined ? "starting" : "other");
}

function activityRow(node: string | undefined) {
  return node === undefined ? undefined : rows.find(([pattern]) => pattern.test(node));
}

const rows: [RegExp, Activity, string][] = [
  [/Sampler(?!Select)/, "painting", "Sampling"],
  [/Load|CLIP.*Loader/, "loading", "Loading models"],
  [/TextEncode/, "reading", "Reading the prompt"],
  [/VAEEncode/, "reading", "Reading the image"],
  [/VAEDecode/, "decoding", "Decoding"],
  [/UpscaleWithModel/, "painting", "Upscaling"],
  [/RemoveBackground|Rembg|BiRefNet/, "painting", "Finding the subject"],
  [/^Save|^Preview/, "saving", "Saving"],
];
