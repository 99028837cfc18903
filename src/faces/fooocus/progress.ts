import type { TaskProgress } from "../../tasks/progress.ts";
import { activityOf } from "../../tasks/progress-words.ts";

/** Progress in the words of Fooocus, which clients show as they are. */
export function wordsOf({ status, done, count }: TaskProgress): string {
  const image = `${Math.min(done + 1, count)}/${count}`;
  if (status.phase === "waiting") return "Waiting for ComfyUI ...";
  if (status.phase === "queued") {
    const { ahead } = status;
    return ahead === undefined || ahead === 0
      ? "Waiting for task to start ..."
      : `Waiting for task to start, ${ahead} ahead ...`;
  }
  const { node, step, steps } = status.progress;
  switch (activityOf(node)) {
    case "starting":
      return `Preparing task ${image} ...`;
    case "loading":
      return "Loading models ...";
    case "reading":
      return "Processing prompts ...";
    case "painting":
      return steps === undefined
        ? `Sampling, image ${image} ...`
        : `Sampling step ${step}/${steps}, image ${image} ...`;
    case "decoding":
    case "saving":
      return `Saving image ${image} to system ...`;
    case "other":
      return "Image processing ...";
  }
}

/** Whole percent, 1 to 100. */
export function percentOf({ fraction }: TaskProgress): number {
  return Math.max(1, Math.floor(fraction * 100));
}
